"""How login mail gets on, seen from the outbox, the stream and the mailer's group on a real Redis."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import literal, update

from auth_service.outbox.delivery import GROUP, DeliveryLook
from auth_service.storage.tables import outbox
from contracts.streams import ACCOUNTS, LOGIN
from devstack.ports import free_port
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.outbox.post import Post
from tests.support.silent_server import silent_server

LATE = timedelta(seconds=16)
PATIENT = timedelta(seconds=10)


def look(post: Post, *, redis: Redis | None = None, clock: Callable[[], float] = lambda: 0.0) -> DeliveryLook:
    """Take a look that waits for an answer, however busy this machine is."""
    return DeliveryLook(database=post.database, redis=redis or post.redis, clock=clock, patience=PATIENT)


async def _grow_old(post: Post, ids: list[UUID]) -> None:
    async with post.database.engine.begin() as connection:
        before = outbox.c.occurred_at - literal(LATE)
        await connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(occurred_at=before))


async def _entry(post: Post, *, age: timedelta = timedelta(0), key: str = LOGIN.key) -> str:
    """Write an entry as if it had been there for `age`, by Redis's own clock."""
    seconds, micros = await post.redis.time()
    written = int((seconds + micros / 1e6 - age.total_seconds()) * 1000)
    entry_id = await post.redis.xadd(key, {"data": "{}"}, id=f"{written}-*")
    return entry_id.decode() if isinstance(entry_id, bytes) else str(entry_id)


async def _group(post: Post) -> None:
    await post.redis.xgroup_create(LOGIN.key, GROUP, id="0-0", mkstream=True)


async def _read(post: Post) -> None:
    await post.redis.xreadgroup(GROUP, "a-mailer", {LOGIN.key: ">"}, count=10)


async def test_where_nothing_waits_mail_is_on_its_way(post: Post) -> None:
    assert await look(post).look() == "on_its_way"


async def test_what_was_written_just_now_is_on_its_way(post: Post) -> None:
    await post.append(3)
    await _group(post)
    await _entry(post)
    await _read(post)
    await _entry(post)
    assert await look(post).look() == "on_its_way"


async def test_what_waits_in_the_outbox_for_long_is_late(post: Post) -> None:
    await _grow_old(post, await post.append(1))
    assert await look(post).look() == "delayed"


async def test_what_was_published_is_waited_for_no_more(post: Post) -> None:
    await _grow_old(post, await post.append(1))
    await post.relay().sweep()
    await _group(post)
    assert await look(post).look() == "on_its_way"


async def test_what_the_mailer_was_never_given_is_late(post: Post) -> None:
    await _group(post)
    await _entry(post, age=LATE)
    assert await look(post).look() == "delayed"


async def test_before_a_mailers_first_start_everything_on_the_stream_waits(post: Post) -> None:
    await _entry(post, age=LATE)
    assert await look(post).look() == "delayed"


async def test_what_is_in_the_mailers_hands_for_long_is_late(post: Post) -> None:
    await _group(post)
    entry_id = await _entry(post, age=LATE)
    await _entry(post)
    await _read(post)
    assert await look(post).look() == "delayed"
    await post.redis.xack(LOGIN.key, GROUP, entry_id)
    assert await look(post).look() == "on_its_way"


async def test_what_is_done_with_is_no_delay_however_old(post: Post) -> None:
    await _group(post)
    entry_id = await _entry(post, age=timedelta(hours=5))
    await _read(post)
    await post.redis.xack(LOGIN.key, GROUP, entry_id)
    assert await look(post).look() == "on_its_way"


async def test_another_groups_reading_says_nothing(post: Post) -> None:
    await _group(post)
    await post.redis.xgroup_create(LOGIN.key, "somebody", id="0-0")
    await _entry(post, age=LATE)
    await post.redis.xreadgroup("somebody", "else", {LOGIN.key: ">"}, count=10, noack=True)
    assert await look(post).look() == "delayed"


async def test_another_streams_backlog_says_nothing(post: Post) -> None:
    await _entry(post, age=LATE, key=ACCOUNTS.key)
    assert await look(post).look() == "on_its_way"


async def test_mail_that_the_mailer_holds_back_is_late(post: Post) -> None:
    await post.redis.set(LOGIN.held_key, "smtp", ex=30)
    assert await look(post).look() == "delayed"


async def test_without_redis_mail_is_late(post: Post) -> None:
    nowhere = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    assert await look(post, redis=nowhere).look() == "delayed"
    await nowhere.aclose()


@pytest.mark.timeout(60)
async def test_a_redis_that_says_nothing_is_given_up(post: Post) -> None:
    async with silent_server() as silent:
        redis = Redis.from_url(silent.url, socket_timeout=300)
        short = DeliveryLook(
            database=post.database, redis=redis, clock=lambda: 0.0, patience=timedelta(milliseconds=50)
        )
        async with asyncio.timeout(30):  # as long as it likes would be the five minutes of the client
            assert await short.look() == "delayed"
        await redis.aclose()


async def test_however_many_ask_it_looks_once_a_second(post: Post) -> None:
    now = 0.0
    looking = look(post, clock=lambda: now)
    assert await looking.look() == "on_its_way"
    await post.redis.set(LOGIN.held_key, "smtp", ex=30)
    now = 0.9
    assert await asyncio.gather(*(looking.look() for _ in range(20))) == ["on_its_way"] * 20
    now = 1.1
    assert await asyncio.gather(*(looking.look() for _ in range(20))) == ["delayed"] * 20


async def test_all_who_ask_at_once_share_one_look(post: Post) -> None:
    looking = look(post)
    with StatementLog(post.database) as log:
        assert set(await asyncio.gather(*(looking.look() for _ in range(50)))) == {"on_its_way"}
    assert len(log.statements) == 1
