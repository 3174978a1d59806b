"""Redis begins anew, with all, some or none of its data, under a relay that runs."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from auth_service.storage.database import Database
from tests.integration.auth_service.outbox.post import Post
from tests.support import append_only
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.waiting import until

SOON = timedelta(milliseconds=50)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(request.param, tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def own_post(database: Database, server: OwnRedis) -> AsyncIterator[Post]:
    made = Post(database, server.url)
    yield made
    await made.redis.aclose()


def _told(lines: list[Any]) -> list[Any]:
    names = {"redis_forgot", "outbox_compared"}
    return [{**line} for line in lines if line["event"] in names]


def _republished(post: Post) -> float | None:
    return post.sample("auth_outbox_republished_total", stream="login")


async def test_a_redis_that_begins_empty_is_given_everything_again(
    own_post: Post, server: OwnRedis, tmp_path: Path
) -> None:
    ids = await own_post.append(5)
    with capture_logs() as lines:
        async with own_post.running(own_post.relay(sweep_every=SOON)):
            await until(lambda: _is_compared(lines), within=10)
            server.kill()
            append_only.take_away(tmp_path)
            server.start()
            await until(lambda: _republished(own_post) == 5, within=10)
            await until(lambda: len(_told(lines)) == 3, within=10)
    assert sorted(await _logins(own_post)) == sorted(ids)
    forgot, compared = _told(lines)[1:]
    assert forgot["restarted"]
    assert compared["republished"] == {"login": 5}


async def test_a_redis_that_lost_its_last_second_is_given_that_second_again(
    own_post: Post, server: OwnRedis, tmp_path: Path
) -> None:
    kept = await own_post.append(5)
    relay = own_post.relay(sweep_every=SOON)
    async with own_post.running(relay):
        await until(lambda: _are_published(own_post), within=10)
        size = append_only.written(tmp_path)
        lost = await own_post.append(4)
        await until(lambda: _are_published(own_post), within=10)
        server.kill()
        append_only.cut_back(tmp_path, to=size)
        server.start()
        await until(lambda: _republished(own_post) == 4, within=10)
    logins = await _logins(own_post)
    assert logins[:5] == kept
    assert sorted(logins[5:]) == sorted(lost)


async def test_a_redis_that_comes_back_with_all_its_data_is_given_nothing_again(
    own_post: Post, server: OwnRedis
) -> None:
    ids = await own_post.append(5)
    with capture_logs() as lines:
        async with own_post.running(own_post.relay(sweep_every=SOON)):
            await until(lambda: _is_compared(lines), within=10)
            server.kill()
            server.start()
            await until(lambda: len(_told(lines)) == 3, within=10)
    assert await _logins(own_post) == ids
    forgot, compared = _told(lines)[1:]
    assert (forgot["restarted"], forgot["streams"]) == (True, [])
    assert (compared["rows"], compared["republished"]) == (5, {})


async def test_after_an_outage_the_relay_looks_at_once_however_long_its_sweeps_are_apart(
    own_post: Post, server: OwnRedis, tmp_path: Path
) -> None:
    old = await own_post.append(3)
    with capture_logs() as lines:
        async with own_post.running(own_post.relay(sweep_every=timedelta(hours=1))):
            await until(lambda: _is_compared(lines), within=10)
            server.kill()
            append_only.take_away(tmp_path)
            server.start()
            (new,) = await own_post.append()
            own_post.wake.set()
            await until(lambda: _republished(own_post) == 3, within=10)
    logins = await _logins(own_post)
    assert logins[0] == new
    assert sorted(logins[1:]) == sorted(old)


async def test_new_rows_are_on_their_stream_before_lost_ones(
    own_post: Post, server: OwnRedis, tmp_path: Path
) -> None:
    old = await own_post.append(5)
    async with own_post.running(own_post.relay(sweep_every=SOON)):
        await until(lambda: _are_published(own_post), within=10)
        server.kill()
        append_only.take_away(tmp_path)
        (new,) = await own_post.append()
        server.start()
        await until(lambda: _republished(own_post) == 5, within=10)
    logins = await _logins(own_post)
    assert logins[0] == new
    assert sorted(logins[1:]) == sorted(old)


def _is_compared(lines: list[Any]) -> bool:
    return any(line["event"] == "outbox_compared" for line in _told(lines))


async def _are_published(post: Post) -> bool:
    return await post.unpublished() == 0


async def _logins(post: Post) -> list[UUID]:
    """Read the stream by a new connection: those from before the restart are broken."""
    await post.redis.connection_pool.disconnect()
    return await post.logins()
