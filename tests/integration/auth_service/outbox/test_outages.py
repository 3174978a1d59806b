"""What the relay does while Redis or Postgres is away, and once it is back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text
from structlog.testing import capture_logs

from auth_service.storage.database import Database
from auth_service.storage.migrate import upgrade
from contracts.streams import LOGIN
from tests.integration.auth_service.cable import Cable
from tests.integration.auth_service.conftest import sqlalchemy_url
from tests.integration.auth_service.outbox.post import Post
from tests.support.waiting import until

SOON = timedelta(milliseconds=50)


@pytest_asyncio.fixture
async def redis_cable(redis_url: str) -> AsyncIterator[Cable]:
    cable = Cable(redis_url)
    await cable.mend()
    yield cable
    await cable.cut()


@pytest_asyncio.fixture
async def postgres_cable(postgres_url: str) -> AsyncIterator[Cable]:
    cable = Cable(postgres_url)
    await cable.mend()
    yield cable
    await cable.cut()


def _names(lines: object) -> list[str]:
    assert isinstance(lines, list)
    return [line["event"] for line in lines if line["event"].endswith(("_lost", "_found", "_stumbled"))]


async def test_events_wait_while_redis_is_away_and_go_out_when_it_is_back(
    database: Database, redis_cable: Cable
) -> None:
    post = Post(database, redis_cable.url)
    with capture_logs() as lines:
        async with post.running(post.relay(sweep_every=SOON)):
            await until(lambda: post.sample("auth_redis_up") == 1, within=10)
            await redis_cable.cut()
            await until(lambda: post.sample("auth_redis_up") == 0, within=10)
            ids = await post.append(3)
            await until(lambda: post.sample("auth_outbox_unpublished") == 3, within=10)
            await redis_cable.mend()
            await until(lambda: post.sample("auth_redis_up") == 1, within=10)
            await until(lambda: post.sample("auth_outbox_unpublished") == 0, within=10)
    assert _names(lines) == ["redis_lost", "redis_found"]
    assert await post.on_stream(LOGIN) == ids
    await post.redis.aclose()


async def test_the_relay_outlives_postgres(database: Database, postgres_cable: Cable, redis_url: str) -> None:
    reached = Database(sqlalchemy_url(postgres_cable.url))
    post, elsewhere = Post(reached, redis_url), Post(database, redis_url)
    with capture_logs() as lines:
        async with post.running(post.relay(sweep_every=SOON)):
            await until(lambda: post.sample("auth_redis_up") == 1, within=10)
            await postgres_cable.cut()
            ids = await elsewhere.append(3)
            await until(lambda: "postgres_lost" in _names(lines), within=10)
            await postgres_cable.mend()
            await until(elsewhere.logins, within=10)
    assert _names(lines) == ["postgres_lost", "postgres_found"]
    assert await post.logins() == ids
    for each in (post, elsewhere):
        await each.redis.aclose()
    await reached.close()


async def test_a_relay_without_tables_says_so_in_one_line_and_waits_for_them(
    empty_postgres_url: str, redis_url: str
) -> None:
    url = sqlalchemy_url(empty_postgres_url)
    database = Database(url)
    post = Post(database, redis_url)
    with capture_logs() as lines:
        relay = post.relay(sweep_every=SOON)
        async with post.running(relay):
            await until(lambda: relay._postgres_link.failures > 1, within=10)
            await asyncio.to_thread(upgrade, url)
            ids = await post.append()
            await until(post.logins, within=10)
    assert await post.logins() == ids
    assert _names(lines) == ["postgres_lost", "postgres_found"]
    told = next(line for line in lines if line["event"] == "postgres_lost")
    assert (told["error"], told["mend"]) == ("NotMigrated", "run 'auth-service migrate'")
    await post.redis.aclose()
    await database.close()


@pytest.mark.parametrize("column", ["data", "published_at"])
async def test_a_surprise_does_not_end_the_relay(database: Database, redis_url: str, column: str) -> None:
    post = Post(database, redis_url)
    ids = await post.append()

    async def rename(old: str, new: str) -> None:
        async with database.engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE auth.outbox RENAME COLUMN {old} TO {new}"))

    await rename(column, "lost")
    with capture_logs() as lines:
        async with post.running(post.relay(sweep_every=SOON)):
            await until(lambda: "relay_stumbled" in _names(lines), within=10)
            await rename("lost", column)
            await until(post.logins, within=10)
    assert await post.logins() == ids
    told = next(line for line in lines if line["event"] == "relay_stumbled")
    assert told["error"] == "ProgrammingError"
    assert str(ids[0]) not in str(told)
    await post.redis.aclose()
