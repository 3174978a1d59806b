"""Two services with a Redis for what may be forgotten beside the one for streams; either may be away."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts.streams import LOGIN
from tests.integration.auth_service.mishaps import WITHIN
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.test_caches_of_two_services import Houses, away, opened
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.waiting import until

CODES_PER_ADDRESS = 3
MEMORY_UP = 'auth_redis_up{use="memory"}'
STREAMS_UP = 'auth_redis_up{use="streams"}'


@dataclass(frozen=True)
class Two:
    """The servers: one carries, the other remembers."""

    streams: OwnRedis
    cache: OwnRedis

    async def kinds_of_keys(self, server: OwnRedis) -> set[str]:
        """Name what is on a server, by the hash tags of its keys."""
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            return {key.partition("}")[0] + "}" async for key in redis.scan_iter()}

    async def logins(self) -> int:
        """Count the requests to sign in that were published."""
        async with Redis.from_url(self.streams.url) as redis:
            return int(await redis.xlen(LOGIN.key))


@pytest.fixture(params=KINDS)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as servers:
        lent = []
        for name in ("streams", "cache"):
            folder = tmp_path / f"{name}-redis"
            folder.mkdir()
            lent.append(servers.enter_context(own_redis(request.param, folder)))
        yield Two(*lent)


@pytest_asyncio.fixture
async def houses(two: Two, postgres_url: str, tmp_path: Path) -> AsyncIterator[Houses]:
    settings = {
        "CACHE_REDIS_URL": two.cache.url,
        "AUTH_LIMIT_CODES_PER_ADDRESS": f"{CODES_PER_ADDRESS}/3600",
        "AUTH_RELAY_SWEEP": "0.1",
    }
    async with opened(tmp_path, postgres_url, two.streams, **settings) as running:
        yield running


async def test_caches_and_limits_are_on_the_one_and_streams_on_the_other(two: Two, houses: Houses) -> None:
    (ada,) = await settle(houses.postgres, 1)
    await houses.warm(ada)
    assert await _ask(houses.here, ada) == httpx.codes.ACCEPTED
    await until(two.logins, within=WITHIN)

    assert await two.kinds_of_keys(two.streams) == {"{auth.login}"}
    kept = await two.kinds_of_keys(two.cache) - {"{auth.memory}"}  # a probe's key, for a second
    assert kept == {"{auth.cache}", "{auth.limits}"}


async def test_without_the_one_that_remembers_mails_leave_and_each_service_counts_alone(
    two: Two, houses: Houses
) -> None:
    ada, bob = await settle(houses.postgres, 2)
    await houses.warm(houses.root, ada, bob)
    two.cache.kill()

    await houses.suspend(bob)
    assert await _seen(houses, ada, bob) == [httpx.codes.OK, httpx.codes.UNAUTHORIZED]
    for client in (houses.here, houses.there):
        asked = [await _ask(client, ada) for _ in range(CODES_PER_ADDRESS + 1)]
        assert asked == [httpx.codes.ACCEPTED] * CODES_PER_ADDRESS + [httpx.codes.TOO_MANY_REQUESTS]
    await until(partial(_are_published, two, 2 * CODES_PER_ADDRESS), within=WITHIN)
    for inside in houses.insides:
        assert await houses.counted(inside, MEMORY_UP) == 0
        assert await houses.counted(inside, STREAMS_UP) == 1

    two.cache.start()
    await until(partial(houses.keeps_again, ada), within=WITHIN)
    assert await _seen(houses, ada, bob) == [httpx.codes.OK, httpx.codes.UNAUTHORIZED]


async def test_without_the_one_that_carries_mails_wait_and_all_else_is_as_ever(
    two: Two, houses: Houses
) -> None:
    ada, bob = await settle(houses.postgres, 2)
    await houses.warm(houses.root, ada, bob)
    two.streams.kill()
    for client in (houses.here, houses.there):
        await until(partial(away, client), within=WITHIN)

    assert await houses.keeps_again(ada)
    await houses.suspend(bob)
    assert await _seen(houses, ada, bob) == [httpx.codes.OK, httpx.codes.UNAUTHORIZED]
    asked = [
        await _ask(client, ada) for client in (houses.here, houses.there, houses.here, houses.there)
    ]  # they count together
    assert asked == [httpx.codes.ACCEPTED] * CODES_PER_ADDRESS + [httpx.codes.TOO_MANY_REQUESTS]
    assert await two.kinds_of_keys(two.cache) >= {"{auth.cache}", "{auth.limits}"}
    assert [await houses.counted(inside, MEMORY_UP) for inside in houses.insides] == [1, 1]

    two.streams.start()
    await until(partial(_are_published, two, CODES_PER_ADDRESS), within=WITHIN)


async def _ask(client: httpx.AsyncClient, person: Person) -> int:
    """Ask for a code for someone, by a program that nobody knows."""
    sent = {"email": person.email, "transport": "bearer"}
    return (await client.post("/v1/login/challenges", json=sent)).status_code


async def _seen(houses: Houses, *people: Person) -> list[int]:
    """Tell how the other service answers those people."""
    return [(await houses.me(houses.there, person)).status_code for person in people]


async def _are_published(two: Two, count: int) -> bool:
    return await two.logins() == count
