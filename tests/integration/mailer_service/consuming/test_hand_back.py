"""`hand_back.lua`: what pends under my name goes to the retry stream, as it is."""

import pytest
from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.lane_contents import lane_contents


async def test_only_the_named_ones_go_back(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    await publish(redis, 4)
    first, second, third, fourth = await read("ada")
    assert await ada.hand_back(lane, lane.facts, [second.id], only=True) == 1
    assert await ada.hand_back(lane, lane.facts, [third.id, fourth.id], only=True) == 2
    contents = await lane_contents(redis, lane)
    assert contents.pending[lane.facts] == {first.id: "ada"}
    handed = [entry.text(b"id") for entry in (second, third, fourth)]
    assert [fields["id"] for fields in contents.retry] == handed


async def test_all_but_the_named_ones_go_back(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    await publish(redis, 4)
    entries = await read("ada")
    assert await ada.hand_back(lane, lane.facts, [entries[0].id, entries[2].id], only=False) == 2
    contents = await lane_contents(redis, lane)
    assert contents.pending[lane.facts] == {entries[0].id: "ada", entries[2].id: "ada"}
    assert [fields["id"] for fields in contents.retry] == [entries[n].text(b"id") for n in (1, 3)]


async def test_it_goes_back_as_it_was_and_dated(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await ada.hand_back(lane, lane.facts, [], only=False)
    (again,) = await read("bob", lane.retry)
    assert again.fields == {**entry.fields, b"first": str(entry.first_ms).encode()}
    assert (again.attempt, again.crashes, again.taken_from) == (1, 0, ())


async def test_attempts_and_first_time_survive_a_second_hand_back(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.retry, {"a": "b", "attempt": 2, "first": 7})
    await read("ada", lane.retry)
    assert await ada.hand_back(lane, lane.retry, [], only=False) == 1
    (again,) = (await lane_contents(redis, lane)).retry
    assert again == {"a": "b", "attempt": "2", "first": "7"}


@pytest.mark.parametrize("crashes", ["2", "3", "25"])
async def test_suspects_stay_suspects(
    redis: Redis, lane: Lane, ada: Transitions, read: Read, crashes: str
) -> None:
    await redis.xadd(lane.suspects, {"crashes": crashes})
    await read("ada", lane.suspects)
    assert await ada.hand_back(lane, lane.suspects, [], only=False) == 1
    contents = await lane_contents(redis, lane)
    assert contents.retry == []
    assert contents.waiting[lane.suspects] == [{"crashes": crashes, "first": contents.suspects[0]["first"]}]


@pytest.mark.parametrize("crashes", ["0", "1", "many"])
async def test_others_are_no_suspects(
    redis: Redis, lane: Lane, ada: Transitions, read: Read, crashes: str
) -> None:
    await redis.xadd(lane.retry, {"crashes": crashes, "first": 7})
    await read("ada", lane.retry)
    assert await ada.hand_back(lane, lane.retry, [], only=False) == 1
    assert (await lane_contents(redis, lane)).waiting[lane.retry] == [{"crashes": crashes, "first": "7"}]


async def test_what_others_hold_is_not_touched(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await publish(redis, 2)
    (mine,) = await read("ada", count=1)
    (theirs,) = await read("bob", count=1)
    before = await lane_contents(redis, lane)
    assert await ada.hand_back(lane, lane.facts, [theirs.id], only=True) == 0
    assert await lane_contents(redis, lane) == before
    assert await bob.hand_back(lane, lane.facts, [mine.id], only=False) == 1
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {mine.id: "ada"}


async def test_a_trimmed_entry_leaves_only_its_pending_mark(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis, 2)
    gone, kept = await read("ada")
    await redis.xdel(lane.facts, gone.id)
    assert await ada.hand_back(lane, lane.facts, [], only=False) == 2
    contents = await lane_contents(redis, lane)
    assert contents.pending[lane.facts] == {}
    assert [fields["id"] for fields in contents.retry] == [kept.text(b"id")]


async def test_what_redis_forgot_cannot_be_handed_back(redis: Redis, lane: Lane, ada: Transitions) -> None:
    await redis.flushdb()
    assert await ada.hand_back(lane, lane.facts, ["1-1"], only=True) == 0
    assert await ada.hand_back(lane, lane.facts, [], only=False) == 0
    assert await redis.dbsize() == 0
