"""`reclaim.lua`: entries of dead and stuck consumers are taken over, each once, by the living."""

from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from mailer_service.consuming import transitions
from mailer_service.consuming.entries import Entry
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Reclaimed, Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.lane_contents import lane_contents

SILENT = timedelta(seconds=10)
STUCK = timedelta(minutes=5)
LONG_IDLE_MS = 11_000
STUCK_MS = 301_000
NOTHING = Reclaimed(next_id="", reasons=(), poisonous=())


async def reclaim(who: Transitions, lane: Lane, key: str | None = None, *, start: str = "-") -> Reclaimed:
    return await who.reclaim(lane, key or lane.facts, silent=SILENT, stuck=STUCK, start=start)


async def age(redis: Redis, entry: Entry, lane: Lane, *, holder: str, idle_ms: int = LONG_IDLE_MS) -> None:
    """Let an entry look as if it had been in its holder's hands for a while."""
    await redis.xclaim(entry.key, lane.group, holder, 0, [entry.id], idle=idle_ms, justid=True)


async def hush(redis: Redis, lane: Lane, consumer: str, *, for_ms: int = LONG_IDLE_MS) -> None:
    """Let a consumer look as if its last sign of life were that old."""
    seconds, micros = await redis.time()
    await redis.zadd(lane.alive, {consumer: seconds * 1000 + micros // 1000 - for_ms})
    await redis.expire(lane.alive, 60)


@pytest.fixture(autouse=True)
async def _ada_lives(lane: Lane, ada: Transitions) -> None:
    await ada.renew(lane)


async def test_an_entry_of_an_absent_consumer_is_taken_and_counts_a_crash(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("bob")
    await age(redis, entry, lane, holder="bob")
    assert await reclaim(ada, lane) == Reclaimed("", ("consumer_dead",), ())
    (again,) = await read("ada", lane.retry)
    assert (again.crashes, again.taken_from, again.first_ms) == (1, ("bob",), entry.first_ms)
    assert again.attempt == 1
    assert {name: again.fields[name] for name in entry.fields} == entry.fields
    contents = await lane_contents(redis, lane)
    assert contents.pending[lane.facts] == {}
    assert await redis.xlen(lane.facts) == 1


async def test_a_consumer_that_fell_silent_is_dead_too(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("bob")
    await age(redis, entry, lane, holder="bob")
    await hush(redis, lane, "bob")
    assert (await reclaim(ada, lane)).reasons == ("consumer_dead",)


async def test_a_living_consumer_keeps_its_entries(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("bob")
    await age(redis, entry, lane, holder="bob")
    await bob.renew(lane)
    assert await reclaim(ada, lane) == NOTHING
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {entry.id: "bob"}


async def test_a_dead_consumers_entry_is_left_until_it_was_idle_for_as_long(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    await read("bob")
    assert await reclaim(ada, lane) == NOTHING


async def test_my_own_entries_are_not_taken_from_me(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await age(redis, entry, lane, holder="ada", idle_ms=STUCK_MS)
    assert await reclaim(ada, lane) == NOTHING


@pytest.mark.parametrize("sign", ["none", "old"])
async def test_who_is_silent_takes_nothing(
    redis: Redis, lane: Lane, ada: Transitions, read: Read, sign: str
) -> None:
    await publish(redis)
    (entry,) = await read("bob")
    await age(redis, entry, lane, holder="bob", idle_ms=STUCK_MS)
    await redis.delete(lane.alive)
    if sign == "old":
        await hush(redis, lane, "ada")
    assert await reclaim(ada, lane) == NOTHING
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {entry.id: "bob"}


async def test_a_stuck_entry_is_taken_from_the_living_without_a_crash(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("bob")
    await age(redis, entry, lane, holder="bob", idle_ms=STUCK_MS)
    await bob.renew(lane)
    assert (await reclaim(ada, lane)).reasons == ("stuck",)
    (again,) = await read("ada", lane.retry)
    assert (again.crashes, again.taken_from) == (0, ())  # bob's claim still counts: it may be sending


async def test_an_entry_wider_than_lua_unpacks_stops_nobody_behind_it(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    wide: dict[Any, Any] = {f"field{n}": "x" for n in range(4200)}
    await redis.xadd(lane.facts, wide)
    await publish(redis)
    for entry in await read("bob"):
        await age(redis, entry, lane, holder="bob", idle_ms=11_000)
    assert len((await reclaim(ada, lane)).reasons) == 2
    narrowed, good = await read("ada", lane.retry)
    assert len(narrowed.fields) < 4200
    assert good.text(b"type") == "porter.auth.otp_requested.v1"


async def test_what_is_refreshed_is_not_stuck_and_stays_with_its_owner(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await publish(redis, 2)
    mine, lost = await read("bob")
    for entry in (mine, lost):
        await age(redis, entry, lane, holder="bob", idle_ms=STUCK_MS)
    await redis.xclaim(lane.facts, lane.group, "eve", 0, [lost.id], justid=True)
    await bob.renew(lane)
    assert await bob.refresh(lane, lane.facts, [mine.id, lost.id]) == 1
    assert await reclaim(ada, lane) == NOTHING
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {mine.id: "bob", lost.id: "eve"}


async def test_names_gather_and_counts_survive(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.retry, {"a": "b", "attempt": 2, "takenfrom": "eve", "first": 7})
    (entry,) = await read("bob", lane.retry)
    await age(redis, entry, lane, holder="bob")
    await reclaim(ada, lane, lane.retry)
    (again,) = await read("ada", lane.retry)
    assert (again.attempt, again.crashes, again.taken_from, again.first_ms) == (2, 1, ("eve", "bob"), 7)
    assert len((await lane_contents(redis, lane)).retry) == 1


async def test_after_the_second_crash_it_is_a_suspect(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.retry, {"a": "b", "crashes": 1})
    (entry,) = await read("bob", lane.retry)
    await age(redis, entry, lane, holder="bob")
    assert (await reclaim(ada, lane, lane.retry)).reasons == ("consumer_dead",)
    contents = await lane_contents(redis, lane)
    assert contents.retry == []
    assert [fields["crashes"] for fields in contents.waiting[lane.suspects]] == ["2"]


async def test_at_the_third_crash_it_is_claimed_and_returned(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.suspects, {"a": "b", "crashes": 2, "takenfrom": "eve"})
    (entry,) = await read("bob", lane.suspects)
    await age(redis, entry, lane, holder="bob")
    taken = await reclaim(ada, lane, lane.suspects)
    assert taken.reasons == ()
    ((poisonous, crashes, consumer),) = taken.poisonous
    assert (poisonous.key, poisonous.id, crashes, consumer) == (entry.key, entry.id, 3, "bob")
    assert (poisonous.crashes, poisonous.taken_from) == (3, ("eve", "bob"))
    assert (await lane_contents(redis, lane)).pending[lane.suspects] == {entry.id: "ada"}
    assert await ada.bury(lane, poisonous, {b"reason": b"poisonous"})


async def test_a_claimed_one_is_not_returned_twice(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await redis.xadd(lane.suspects, {"crashes": 2})
    (entry,) = await read("eve", lane.suspects)
    await age(redis, entry, lane, holder="eve")
    await bob.renew(lane)
    assert len((await reclaim(ada, lane, lane.suspects)).poisonous) == 1
    assert await reclaim(ada, lane, lane.suspects) == NOTHING
    assert await reclaim(bob, lane, lane.suspects) == NOTHING


async def test_whoever_dies_before_the_burial_leaves_it_to_the_next(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await redis.xadd(lane.suspects, {"crashes": 2})
    (entry,) = await read("eve", lane.suspects)
    await age(redis, entry, lane, holder="eve")
    await reclaim(ada, lane, lane.suspects)
    await age(redis, entry, lane, holder="ada")
    await ada.leave(lane)
    await bob.renew(lane)
    ((again, crashes, consumer),) = (await reclaim(bob, lane, lane.suspects)).poisonous
    assert (again.id, crashes, consumer) == (entry.id, 3, "ada")


async def test_a_trimmed_entry_leaves_only_its_pending_mark(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis, 2)
    gone, kept = await read("bob")
    for entry in (gone, kept):
        await age(redis, entry, lane, holder="bob")
    await redis.xdel(lane.facts, gone.id)
    assert (await reclaim(ada, lane)).reasons == ("consumer_dead",)
    contents = await lane_contents(redis, lane)
    assert contents.pending[lane.facts] == {}
    assert [fields["id"] for fields in contents.retry] == [kept.text(b"id")]


async def test_more_than_a_batch_is_taken_page_by_page(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    count = transitions.RECLAIM_BATCH + 20
    await publish(redis, count)
    (living, *dead) = await read("eve", count=count)
    await redis.xclaim(lane.facts, lane.group, "eve", 0, [e.id for e in dead], idle=LONG_IDLE_MS, justid=True)
    await age(redis, living, lane, holder="bob")
    await bob.renew(lane)
    first = await reclaim(ada, lane)
    # The living one's entry was looked at too, and left where it is.
    assert (len(first.reasons), first.next_id) == (
        transitions.RECLAIM_BATCH - 1,
        f"({dead[transitions.RECLAIM_BATCH - 2].id}",
    )
    second = await reclaim(ada, lane, start=first.next_id)
    assert (len(second.reasons), second.next_id) == (20, "")
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {living.id: "bob"}
    assert await redis.xlen(lane.retry) == count - 1


async def test_two_replicas_take_each_entry_once(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await publish(redis, 4)
    for entry in await read("eve"):
        await age(redis, entry, lane, holder="eve")
    await bob.renew(lane)
    taken = [*(await reclaim(ada, lane)).reasons, *(await reclaim(bob, lane)).reasons]
    assert len(taken) == 4
    assert await redis.xlen(lane.retry) == 4


async def test_a_missing_group_or_stream_holds_nothing(redis: Redis, lane: Lane, ada: Transitions) -> None:
    await redis.xgroup_destroy(lane.facts, lane.group)
    assert await reclaim(ada, lane) == NOTHING
    await redis.delete(lane.facts)
    assert await reclaim(ada, lane) == NOTHING
