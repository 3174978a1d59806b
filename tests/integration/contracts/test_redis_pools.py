"""Pools find the master by whichever Sentinels answer, keep to their bound, and leave nothing open."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import MaxConnectionsError

from contracts.redis_pools import redis_pool
from devstack.ports import free_port
from tests.support.own_redis import KINDS
from tests.support.waiting import until
from tests.support.watched_redis import SENTINELS, WatchedRedis, watched_redis


@pytest_asyncio.fixture(params=KINDS)
async def watched(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WatchedRedis]:
    """Lend a master, a replica and three Sentinels."""
    async with watched_redis(request.param, tmp_path) as servers:
        yield servers


async def test_the_master_is_found_while_one_sentinel_hangs_and_another_is_gone(
    watched: WatchedRedis,
) -> None:
    watched.sentinels[0].signal(signal.SIGSTOP)
    await watched.sentinels[1].kill()
    async with _client(watched.url) as redis:
        assert (await redis.role())[0] == b"master"
        assert await redis.set("a", 1, ex=60)
    await watched.sentinels[2].kill()
    async with _client(watched.url) as redis:
        with pytest.raises(MasterNotFoundError, match="0 of 3 Sentinels know this master"):
            await redis.ping()


async def test_a_master_of_another_name_is_not_found(watched: WatchedRedis) -> None:
    async with _client(watched.url.replace("/porter/", "/porters/")) as redis:
        with pytest.raises(MasterNotFoundError, match="0 of 3 Sentinels know this master"):
            await redis.ping()


async def test_a_pool_that_waits_lets_many_share_few_connections_and_one_that_does_not_refuses(
    watched: WatchedRedis,
) -> None:
    async def hold(redis: "Redis") -> object:
        return await redis.blpop("nothing", timeout=0.2)

    async with _client(watched.url, wait_seconds=20, max_connections=2) as redis:
        assert await asyncio.gather(*(hold(redis) for _ in range(6))) == [None] * 6
    async with _client(watched.url, max_connections=2) as redis:
        answers = await asyncio.gather(*(hold(redis) for _ in range(6)), return_exceptions=True)
        assert sum(isinstance(answer, MaxConnectionsError) for answer in answers) == 4


async def test_a_closed_pool_has_hung_up_on_every_sentinel(watched: WatchedRedis) -> None:
    async with _client(watched.url) as redis:
        await redis.ping()
        assert [await _asking(each.url) for each in watched.sentinels] == [1] * SENTINELS

    async def have_gone() -> bool:
        return not any([await _asking(each.url) for each in watched.sentinels])

    await until(have_gone, within=10)


async def test_a_sentinel_nobody_answers_for_is_told_by_its_fault() -> None:
    async with _client(f"redis+sentinel://127.0.0.1:{free_port()}/porter") as redis:
        with pytest.raises(MasterNotFoundError, match=r"0 of 1 .*\(ConnectionError\)"):
            await redis.ping()


def _client(url: str, **options: Any) -> "Redis":  # noqa: ANN401 - redis-py's own options
    return Redis.from_pool(redis_pool(url, socket_timeout=5, **options))


async def _asking(url: str) -> int:
    """Count those who last asked a Sentinel for its masters."""
    async with Redis.from_url(url) as redis:
        return sum(client["cmd"] == "sentinel|masters" for client in await redis.client_list())
