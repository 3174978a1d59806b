"""What the relay's tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from auth_service.storage.database import Database
from tests.integration.auth_service.outbox.post import Post


@pytest_asyncio.fixture
async def post(database: Database, redis_url: str) -> AsyncIterator[Post]:
    made = Post(database, redis_url)
    yield made
    await made.redis.aclose()
