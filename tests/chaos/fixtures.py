"""A fleet without any mailer yet, and the servers around it; conftests take them up by name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from devstack.servers.origin import Origin
from tests.chaos.fleet import Fleet
from tests.chaos.servers import Server, own_redis
from tests.support.fault_smtp import FaultSmtp
from tests.support.redis import ORIGINS, _immortal
from tests.support.redis_users import refused


@pytest_asyncio.fixture
async def redis_server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """Start a Redis of the test's own: Valkey's wheel, or what the test's parameter names."""
    origin: Origin = ORIGINS[getattr(request, "param", "valkey")]
    folder = tmp_path / "redis"
    folder.mkdir()
    server = own_redis(folder, origin=origin)
    await server.start()
    yield server
    await server.crash()


@pytest_asyncio.fixture
async def smtp() -> AsyncIterator[FaultSmtp]:
    """Lend an SMTP server that fails as the test plans."""
    async with FaultSmtp() as server:
        yield server


@pytest_asyncio.fixture
async def fleet(
    tmp_path: Path, postgres_url: str, redis_server: Server, smtp: FaultSmtp
) -> AsyncIterator[Fleet]:
    """Lend a fleet without any mailer yet; whatever is left of it is killed afterwards."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    client: Redis = Redis.from_url(redis_server.url, decode_responses=True)
    lent = Fleet(
        folder=folder, database_url=postgres_url, redis_url=redis_server.url, redis=client, smtp=smtp
    )
    try:
        yield lent
        left = await _immortal(redis_server.url)
        assert not left, f"keys that never expire were left behind: {left}"
        async with Redis.from_url(redis_server.url) as looking:
            assert await refused(looking) == []
    finally:
        await lent.end()
        await client.aclose()
