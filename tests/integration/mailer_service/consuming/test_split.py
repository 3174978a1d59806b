"""`split.lua`: an event for several people becomes an entry for each."""

from redis.asyncio import Redis

from mailer_service.consuming.entries import Entry
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.lane_contents import lane_contents


async def test_each_recipient_gets_an_entry_and_the_whole_is_acknowledged(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    assert await ada.split(lane, entry, recipients=3)
    contents = await lane_contents(redis, lane)
    event = {name.decode(): value.decode() for name, value in entry.fields.items()}
    first = str(entry.first_ms)
    assert contents.retry == [{"recipient": str(number), **event, "first": first} for number in range(3)]
    assert contents.pending[lane.facts] == {}
    assert await redis.xlen(lane.facts) == 1


async def test_the_parts_are_read_as_entries_of_one_recipient(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await ada.split(lane, entry, recipients=2)
    parts = await read("ada", lane.retry)
    assert [part.recipient for part in parts] == [0, 1]
    assert {part.first_ms for part in parts} == {entry.first_ms}


async def test_it_is_fenced(redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    before = await lane_contents(redis, lane)
    assert not await bob.split(lane, entry, recipients=3)
    assert await lane_contents(redis, lane) == before
    assert await ada.split(lane, entry, recipients=3)
    assert not await ada.split(lane, entry, recipients=3)
    assert await redis.xlen(lane.retry) == 3


async def test_a_replayed_whole_leaves_the_retry_stream(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.retry, {"a": "b", "replayed": "dead", "first": 7})
    (entry,) = await read("ada", lane.retry)
    await ada.split(lane, entry, recipients=2)
    whole = {"a": "b", "replayed": "dead", "first": "7"}
    assert (await lane_contents(redis, lane)).retry == [
        {"recipient": "0", **whole},
        {"recipient": "1", **whole},
    ]


async def test_an_entry_that_was_never_read_is_nobodys(lane: Lane, ada: Transitions, redis: Redis) -> None:
    await publish(redis)
    assert not await ada.split(lane, Entry(lane.facts, "1-1", {}), recipients=2)
    assert await redis.xlen(lane.retry) == 0
