"""The relay on a real Postgres and every Redis found; what it writes is read back from the streams."""

import asyncio
from collections import Counter
from datetime import timedelta

import asyncpg
import pytest
from redis.exceptions import ResponseError
from sqlalchemy import insert, update
from structlog.testing import capture_logs

from auth_service.storage.database import Database
from auth_service.storage.tables import outbox
from contracts.codec import decode
from contracts.identifiers import new_id
from contracts.streams import ACCOUNTS, LOGIN
from devstack.ports import free_port
from tests.integration.auth_service.conftest import sqlalchemy_url
from tests.integration.auth_service.outbox.post import TRACEPARENT, Post
from tests.support.waiting import until


async def test_a_committed_event_becomes_an_entry_that_decodes(post: Post) -> None:
    (event_id,) = await post.append()
    assert await post.relay().sweep() == 1
    ((entry_id, fields),) = await post.entries(LOGIN)
    event = decode(fields)
    assert (event.id, event.traceparent) == (event_id, TRACEPARENT)
    async with post.database.engine.connect() as connection:
        row = (await connection.execute(outbox.select())).mappings().one()
    assert (row["entry_id"], row["published_at"] is not None) == (entry_id, True)
    assert (event.time, event.expirytime) == (row["occurred_at"], row["expires_at"])


async def test_nothing_is_published_twice(post: Post) -> None:
    ids = await post.append(3)
    relay = post.relay()
    assert [await relay.sweep() for _ in range(3)] == [3, 0, 0]
    assert await post.logins() == ids


async def test_each_event_goes_to_its_own_stream(post: Post) -> None:
    (login,), account = await post.append(), await post.append_account_event()
    await post.relay().sweep()
    assert (await post.on_stream(LOGIN), await post.on_stream(ACCOUNTS)) == ([login], [account])


async def test_a_backlog_goes_out_in_batches_at_once(post: Post) -> None:
    ids = await post.append(25)
    assert await post.relay(batch_rows=10).sweep() == 25
    assert await post.logins() == ids


async def test_a_commit_wakes_the_relay(postgres_url: str, redis_url: str) -> None:
    wake = asyncio.Event()
    database = Database(sqlalchemy_url(postgres_url), on_append=wake.set)
    post = Post(database, redis_url)
    post.wake = wake
    async with post.running(post.relay(sweep_every=timedelta(hours=1))):
        await until(lambda: post.sample("auth_redis_up") == 1, within=10)
        ids = await post.append()
        await until(post.logins, within=5)
    assert await post.logins() == ids
    await post.redis.aclose()
    await database.close()


async def test_an_event_of_another_process_is_found_by_the_next_sweep(post: Post) -> None:
    async with post.running(post.relay(sweep_every=timedelta(milliseconds=50))):
        ids = await post.append()
        await until(post.logins, within=5)
    assert await post.logins() == ids


async def test_two_relays_at_once_publish_each_row_once(post: Post) -> None:
    ids = await post.append(300)
    first, second = post.relay(batch_rows=7), post.relay(batch_rows=7)
    counts = await asyncio.gather(first.sweep(), second.sweep())
    assert await post.unpublished() == 0
    assert sum(counts) == 300
    assert Counter(await post.logins()) == Counter(ids)


async def test_rows_that_another_relay_has_in_hand_are_passed_over(post: Post) -> None:
    await post.append(2)
    async with post.database.unit() as unit:
        assert len(await unit.outbox.lock_unpublished(after=None, limit=500)) == 2
        assert await post.relay().sweep() == 0


async def test_what_dies_between_writing_and_committing_is_written_again_with_its_id(
    post: Post, postgres_url: str
) -> None:
    (event_id,) = await post.append()
    operator = await asyncpg.connect(postgres_url)
    transaction = operator.transaction()
    await transaction.start()
    # The relay may still lock rows, and write to Redis, but not note in the table that it did.
    await operator.execute("LOCK TABLE auth.outbox IN SHARE MODE")
    dying = asyncio.create_task(post.relay().sweep())
    await until(post.logins, within=5)
    dying.cancel()
    await asyncio.wait([dying])
    await transaction.rollback()
    await operator.close()
    assert await post.unpublished() == 1
    assert await post.relay().sweep() == 1
    assert await post.logins() == [event_id, event_id]


async def test_a_row_that_is_no_event_blocks_nobody_and_is_told_of_once(post: Post) -> None:
    bad = [new_id() for _ in range(3)]
    async with post.database.engine.begin() as connection:
        for event_id in bad:
            values = {"id": event_id, "stream": "login", "type": "porter.auth.door_painted.v1"}
            await connection.execute(insert(outbox).values(**values, sequence=1, data={}))
    ids = await post.append(5)
    relay = post.relay(batch_rows=2)
    with capture_logs() as lines:
        assert [await relay.sweep(), await relay.sweep()] == [5, 0]
    assert await post.logins() == ids
    told = [line["event_id"] for line in lines if line["event"] == "event_unpublishable"]
    assert told == [str(event_id) for event_id in bad]
    assert await post.unpublished() == 3


async def test_a_stream_that_is_none_blocks_only_itself(post: Post) -> None:
    await post.redis.set(ACCOUNTS.key, "not a stream", ex=60)
    await post.append_account_event()
    ids = await post.append(2)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await post.relay().sweep()
    assert await post.logins() == ids
    assert await post.unpublished() == 1
    await post.redis.delete(ACCOUNTS.key)
    assert await post.relay().sweep() == 1


async def test_a_stream_forgets_what_is_long_over_by_the_servers_time(post: Post) -> None:
    seconds, _ = await post.redis.time()
    kept = int(LOGIN.kept.total_seconds())
    async with post.redis.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.xadd(LOGIN.key, {"old": "1"}, id=f"{(seconds - kept - 3600) * 1000 + number}-0")
        for number in range(50):
            pipeline.xadd(LOGIN.key, {"young": "1"}, id=f"{(seconds - kept + 3600) * 1000 + number}-0")
        await pipeline.execute()
    await post.append()
    await post.relay().sweep()
    entries = await post.entries(LOGIN)
    assert sum(b"young" in fields for _, fields in entries) == 50
    assert sum(b"old" in fields for _, fields in entries) <= 100  # trimming is by whole nodes of the stream


async def test_the_relay_tells_what_it_does(post: Post) -> None:
    await post.append(2)
    async with post.database.engine.begin() as connection:
        await connection.execute(update(outbox).values(occurred_at=outbox.c.occurred_at - timedelta(hours=1)))
    waiting = Post(post.database, f"redis://127.0.0.1:{free_port()}/0")
    async with waiting.running(waiting.relay()):
        await until(lambda: waiting.sample("auth_outbox_unpublished") == 2, within=10)
        assert (waiting.sample("auth_outbox_oldest_seconds") or 0) >= 3600
        assert waiting.sample("auth_redis_up") == 0
    await waiting.redis.aclose()
    async with post.running(post.relay()):
        await until(lambda: post.sample("auth_redis_up") == 1, within=10)
    assert post.sample("auth_events_published_total", type="porter.auth.otp_requested.v1") == 2
    assert post.sample("auth_outbox_unpublished") == 0
