"""A lane on a real Redis, with its groups made, and consumers that move its entries."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from mailer_service.consuming.entries import Entry
from mailer_service.consuming.groups import ensure_groups
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.transitions import Transitions
from tests.support.consumers import LANE, plain_client

Read = Callable[..., Awaitable[list[Entry]]]


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Lend a client as the mailer's own: bytes, no automatic retry."""
    client = plain_client(redis_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def lane(redis: Redis) -> Lane:
    """Lend a lane whose groups are there."""
    await ensure_groups(redis, LANE, lookback=Pace().lookback)
    return LANE


@pytest.fixture
def ada(redis: Redis) -> Transitions:
    """Lend the moves of the consumer that most tests look from."""
    return Transitions(redis, consumer="ada", max_crashes=3)


@pytest.fixture
def bob(redis: Redis) -> Transitions:
    """Lend the moves of another consumer."""
    return Transitions(redis, consumer="bob", max_crashes=3)


@pytest.fixture
def read(redis: Redis, lane: Lane) -> Read:
    """Read entries in a consumer's name; from the facts unless another key is named."""

    async def entries(consumer: str, key: str = lane.facts, *, count: int = 10) -> list[Entry]:
        reply: Any = await redis.xreadgroup(lane.group, consumer, {key: ">"}, count=count)
        return [Entry(key, id_.decode(), fields) for _, found in reply or () for id_, fields in found]

    return entries
