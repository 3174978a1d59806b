"""What the relay does when Redis forgot what it had accepted; on a real Postgres and every Redis found."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from redis.exceptions import ResponseError
from sqlalchemy import event, func, update
from structlog.testing import capture_logs

from auth_service.outbox.relay import Relay
from auth_service.storage.tables import outbox
from contracts.codec import encode
from contracts.streams import ACCOUNTS, LOGIN, SESSIONS
from tests.chaos.events import a_code
from tests.integration.auth_service.outbox.post import Post
from tests.support.waiting import until

AT_EACH = timedelta(0)
"""A relay that looks at each sweep, not only at those that time brings."""


def _told(lines: list[Any]) -> list[Mapping[str, Any]]:
    return [line for line in lines if line["event"] in {"redis_forgot", "outbox_compared"}]


async def _settle(relay: Relay) -> None:
    """Sweep until no second look is due."""
    await relay.sweep()
    for _ in range(100):
        if not relay._second_look.is_due:
            return
        await relay.sweep()
    raise AssertionError("the second look did not end in 100 sweeps")


async def _change(post: Post, **values: object) -> None:
    async with post.database.engine.begin() as connection:
        await connection.execute(update(outbox).values(**values))


async def _entry_ids(post: Post) -> dict[UUID, str | None]:
    async with post.database.engine.connect() as connection:
        rows = (await connection.execute(outbox.select())).mappings()
    return {row["id"]: row["entry_id"] for row in rows}


def _republished(post: Post, stream: str) -> float | None:
    return post.sample("auth_outbox_republished_total", stream=stream)


async def test_what_a_flush_took_is_published_again_with_its_ids(post: Post) -> None:
    ids, account = await post.append(3), await post.append_account_event()
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    await post.redis.flushdb()
    with capture_logs() as lines:
        await _settle(relay)
        await _settle(relay)
    assert sorted(await post.logins()) == sorted(ids)
    assert await post.on_stream(ACCOUNTS) == [account]
    assert (_republished(post, "login"), _republished(post, "accounts")) == (3, 1)
    forgot, compared = _told(lines)
    assert (forgot["restarted"], sorted(forgot["streams"])) == (False, ["accounts", "login"])
    assert (compared["rows"], compared["left"]) == (4, 0)
    assert compared["republished"] == {"login": 3, "accounts": 1}


async def test_rows_know_the_entries_that_they_became_again(post: Post) -> None:
    await post.append(3)
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    await post.redis.flushdb()
    await _settle(relay)
    async with post.database.engine.connect() as connection:
        rows = (await connection.execute(outbox.select())).mappings().all()
    entries = {entry_id: UUID(fields[b"id"].decode()) for entry_id, fields in await post.entries(LOGIN)}
    assert {row["entry_id"]: row["id"] for row in rows} == entries


async def test_nothing_is_published_again_while_nothing_is_lost(post: Post) -> None:
    ids = await post.append(5)
    with capture_logs() as lines:
        for _ in range(2):  # the second as after a restart
            relay = post.relay(sweep_every=AT_EACH)
            await _settle(relay)
            ids += await post.append(2)
            await _settle(relay)
    assert await post.logins() == ids
    assert _republished(post, "login") is None
    assert [line["event"] for line in _told(lines)] == ["outbox_compared"] * 2


async def test_a_starting_relay_publishes_what_was_lost_before_it_began(post: Post) -> None:
    ids = await post.append(3)
    await _settle(post.relay())
    await post.redis.flushdb()
    await _settle(post.relay())
    assert sorted(await post.logins()) == sorted(ids)


async def test_a_running_relay_notices_by_itself(post: Post) -> None:
    ids = await post.append(3)
    async with post.running(post.relay(sweep_every=timedelta(milliseconds=50))):
        await until(post.logins, within=10)
        await post.redis.flushdb()
        await until(lambda: _republished(post, "login") == 3, within=10)
    assert sorted(await post.logins()) == sorted(ids)


async def test_only_the_stream_that_lost_something_gets_something(post: Post) -> None:
    ids, account = await post.append(2), await post.append_account_event()
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    await post.redis.delete(ACCOUNTS.key)
    with capture_logs() as lines:
        await _settle(relay)
    assert (await post.logins(), await post.on_stream(ACCOUNTS)) == (ids, [account])
    assert _told(lines)[0]["streams"] == ["accounts"]


async def test_an_entry_that_is_another_event_counts_as_lost(post: Post) -> None:
    (event_id,) = await post.append()
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    ((_, entry_id),) = (await _entry_ids(post)).items()
    assert entry_id is not None
    await post.redis.flushdb()
    other = a_code("other@example.org")
    fields: dict[Any, Any] = {**encode(other)}
    await post.redis.xadd(LOGIN.key, fields, id=entry_id)  # a clock astray gives an id twice
    await _settle(relay)
    assert await post.logins() == [other.id, event_id]


async def test_expired_rows_are_published_again_too(post: Post) -> None:
    ids = await post.append(2)
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    await _change(post, expires_at=func.now() - timedelta(hours=1))
    await post.redis.flushdb()
    await _settle(relay)
    assert sorted(await post.logins()) == sorted(ids)


@pytest.mark.parametrize(
    ("age", "logins", "accounts"),
    [
        (timedelta(hours=23), 1, 1),
        (timedelta(hours=23, minutes=57), 0, 1),  # the stream may have trimmed it already
        (timedelta(hours=25), 0, 0),
    ],
)
async def test_rows_are_compared_for_as_long_as_their_stream_keeps_them_but_a_day_at_most(
    post: Post, age: timedelta, logins: int, accounts: int
) -> None:
    await post.append()
    await post.append_account_event()
    await _settle(post.relay())
    await _change(post, published_at=func.now() - age)
    await post.redis.flushdb()
    await _settle(post.relay())
    assert (len(await post.logins()), len(await post.on_stream(ACCOUNTS))) == (logins, accounts)


async def test_what_was_published_again_is_compared_for_another_day(post: Post) -> None:
    (event_id,) = await post.append()
    await _settle(post.relay())
    await _change(post, published_at=func.now() - timedelta(hours=23))
    for _ in range(2):
        await post.redis.flushdb()
        await _settle(post.relay())
        assert await post.logins() == [event_id]
        await _change(post, published_at=outbox.c.published_at - timedelta(hours=23))


async def test_trimming_does_not_look_like_loss(post: Post) -> None:
    seconds, _ = await post.redis.time()
    trimmed_next = f"{(seconds - int(LOGIN.kept.total_seconds())) * 1000}-0"
    await post.redis.xadd(LOGIN.key, {"id": "old"}, id=trimmed_next)
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    await post.redis.xdel(LOGIN.key, trimmed_next)
    with capture_logs() as lines:
        await _settle(relay)
    assert _told(lines) == []


async def test_a_flush_between_two_publishings_is_noticed_though_the_stream_was_empty(post: Post) -> None:
    relay = post.relay(sweep_every=timedelta(hours=1))
    await _settle(relay)  # sees three empty streams, and looks again in an hour
    lost = await post.append(2)
    await relay.sweep()
    await post.redis.flushdb()
    kept = await post.append()
    await relay.sweep()
    assert await post.logins() == kept
    relay._look_at = 0.0
    await _settle(relay)
    assert await post.logins() == [*kept, *reversed(lost)]


async def test_a_relay_minds_what_another_published(post: Post) -> None:
    watcher = post.relay(sweep_every=AT_EACH)
    await _settle(watcher)
    ids = await post.append(3)
    await _settle(post.relay())
    await _settle(watcher)
    await post.redis.flushdb()
    await _settle(watcher)
    assert sorted(await post.logins()) == sorted(ids)


async def test_batches_go_newest_first_and_new_rows_before_each(post: Post) -> None:
    old = await post.append(25)
    relay = post.relay(sweep_every=AT_EACH, batch_rows=10)
    await _settle(relay)
    await post.redis.flushdb()
    await relay.sweep()
    assert await post.logins() == old[:14:-1]
    new = await post.append()
    await relay.sweep()
    assert await post.logins() == [*old[:14:-1], *new, *old[14:4:-1]]
    await relay.sweep()
    assert await post.logins() == [*old[:14:-1], *new, *old[14:4:-1], *old[4::-1]]
    assert not relay._second_look.is_due


async def test_a_flush_amid_the_second_look_begins_it_anew(post: Post) -> None:
    ids = await post.append(25)
    relay = post.relay(sweep_every=AT_EACH, batch_rows=10)
    await _settle(relay)
    await post.redis.flushdb()
    for _ in range(2):
        await relay.sweep()
    await post.redis.flushdb()
    await _settle(relay)
    assert sorted(await post.logins()) == sorted(ids)


async def test_a_flush_amid_the_look_of_a_starting_relay_is_noticed(post: Post) -> None:
    ids = await post.append(25)
    await _settle(post.relay())
    relay = post.relay(sweep_every=AT_EACH, batch_rows=10)
    await relay.sweep()  # finds its first batch in place
    await post.redis.flushdb()
    await _settle(relay)
    assert sorted(await post.logins()) == sorted(ids)


async def test_two_relays_at_once_publish_each_lost_row_once(post: Post) -> None:
    ids = await post.append(300)
    relays = [post.relay(sweep_every=AT_EACH, batch_rows=7) for _ in range(2)]
    for relay in relays:
        await _settle(relay)
    await post.redis.flushdb()
    await asyncio.gather(*(_settle(relay) for relay in relays))
    assert Counter(await post.logins()) == Counter(ids)
    assert _republished(post, "login") == 300


async def test_what_another_relay_has_in_hand_is_left_to_it_and_looked_after_again(post: Post) -> None:
    ids = await post.append(3)
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    within = {"login": timedelta(days=1)}
    async with post.database.unit() as unit:
        rows = await unit.outbox.published(within=within, before=None, limit=2)
        assert len(await unit.outbox.lock_published(rows)) == 2
        await post.redis.flushdb()
        with capture_logs() as lines:
            await relay.sweep()
        assert await post.logins() == ids[:1]
        assert _told(lines)[-1]["left"] == 2
    await _settle(relay)  # the other died, as far as anyone can tell
    assert sorted(await post.logins()) == sorted(ids)


async def test_what_dies_between_writing_again_and_committing_is_written_once_more(
    post: Post, postgres_url: str
) -> None:
    ids = await post.append(2)
    await _settle(post.relay())
    await post.redis.flushdb()
    operator = await asyncpg.connect(postgres_url)
    transaction = operator.transaction()
    await transaction.start()
    # The relay may still lock rows, and write to Redis, but not note in the table that it did.
    await operator.execute("LOCK TABLE auth.outbox IN SHARE MODE")
    dying = asyncio.create_task(_settle(post.relay()))
    await until(post.logins, within=5)
    dying.cancel()
    await asyncio.wait([dying])
    await transaction.rollback()
    await operator.close()
    for _ in range(2):
        await _settle(post.relay())
        assert await post.logins() == [*reversed(ids)] * 2


async def test_a_stream_that_is_none_keeps_no_other_from_being_mended(post: Post) -> None:
    ids, account = await post.append(2), await post.append_account_event()
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    await post.redis.flushdb()
    await post.redis.set(ACCOUNTS.key, "not a stream", ex=60)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await relay.sweep()
    assert sorted(await post.logins()) == sorted(ids)
    await post.redis.delete(ACCOUNTS.key)
    await _settle(relay)
    assert await post.on_stream(ACCOUNTS) == [account]
    assert sorted(await post.logins()) == sorted(ids)


async def test_a_sweep_that_finds_nothing_costs_one_statement_and_a_handful_of_commands(post: Post) -> None:
    await post.append(3)
    relay = post.relay(sweep_every=AT_EACH)
    await _settle(relay)
    statements: list[str] = []
    engine = post.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    await post.redis.config_resetstat()
    await relay.sweep()
    stats = await post.redis.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    sent = {name: count for name, count in calls.items() if not name.startswith(("x", "config"))}
    assert sent == {"time": 2, "info": 1, "eval": len((LOGIN, ACCOUNTS, SESSIONS))}
    assert len(statements) == 1
