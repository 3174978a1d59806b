"""What the auth service's integration tests share: its database."""

from collections.abc import AsyncIterator

import pytest_asyncio

from auth_service.storage.database import Database
from tests.integration.auth_service.door import Door


def sqlalchemy_url(postgres_url: str) -> str:
    """Write a database's address as SQLAlchemy's asyncpg dialect takes it."""
    return f"postgresql+asyncpg://{postgres_url.partition('://')[2]}"


@pytest_asyncio.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """Open the service's pool on a fresh database."""
    opened = Database(sqlalchemy_url(postgres_url))
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def door(database: Database) -> Door:
    """Open the door: flows with keys of their own on a fresh database."""
    return Door(database)
