"""`done.lua`: what is finished is acknowledged, whoever asks."""

from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.lane_contents import lane_contents


async def test_many_ids_are_acknowledged_at_once_and_facts_are_kept(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis, 5)
    entries = await read("ada")
    await ada.done(lane, lane.facts, [entry.id for entry in entries[:4]])
    contents = await lane_contents(redis, lane)
    assert contents.pending[lane.facts] == {entries[4].id: "ada"}
    assert await redis.xlen(lane.facts) == 5


async def test_acknowledged_private_entries_are_deleted(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    for number in range(3):
        await redis.xadd(lane.retry, {"number": number})
    entries = await read("ada", lane.retry)
    await ada.done(lane, lane.retry, [entry.id for entry in entries[:2]])
    contents = await lane_contents(redis, lane)
    assert contents.retry == [{"number": "2"}]
    assert contents.pending[lane.retry] == {entries[2].id: "ada"}


async def test_it_is_not_fenced_because_finished_work_is_on_the_record(
    redis: Redis, lane: Lane, bob: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await bob.done(lane, lane.facts, [entry.id])
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {}


async def test_acknowledging_twice_or_in_vain_changes_nothing(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis, 2)
    first, second = await read("ada")
    for _ in range(2):
        await ada.done(lane, lane.facts, [first.id, "1-1"])
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {second.id: "ada"}


async def test_a_stream_that_redis_forgot_has_nothing_to_acknowledge(
    redis: Redis, lane: Lane, ada: Transitions
) -> None:
    await redis.flushdb()
    for key in lane.read_keys:
        await ada.done(lane, key, ["1-1"])
    assert await redis.dbsize() == 0


async def test_a_key_of_another_type_has_nothing_to_acknowledge(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    for key in (lane.facts, lane.retry):
        await redis.set(key, "no stream", ex=60)
        await ada.done(lane, key, [entry.id])
        assert await redis.get(key) == b"no stream"


async def test_scripts_that_the_server_forgot_are_loaded_again(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await ada.done(lane, lane.facts, ["1-1"])
    await redis.script_flush()
    await ada.done(lane, lane.facts, [entry.id])
    assert (await lane_contents(redis, lane)).pending[lane.facts] == {}
