"""`bury.lua`: an entry that is mine becomes a dead letter, once."""

from redis.asyncio import Redis

from mailer_service.consuming import transitions
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.lane_contents import lane_contents


async def test_a_letter_has_its_fields_and_the_servers_time(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    seconds, _ = await redis.time()
    assert await ada.bury(lane, entry, {b"type": b"a fact", b"reason": b"refused"})
    contents = await lane_contents(redis, lane)
    (letter,) = contents.dead
    assert int(letter.pop("last")) >= seconds * 1000
    assert letter == {"type": "a fact", "reason": "refused"}
    assert contents.pending[lane.facts] == {}


async def test_it_is_fenced(redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    before = await lane_contents(redis, lane)
    assert not await bob.bury(lane, entry, {b"reason": b"refused"})
    assert await lane_contents(redis, lane) == before
    assert await ada.bury(lane, entry, {b"reason": b"refused"})
    assert not await ada.bury(lane, entry, {b"reason": b"refused"})
    assert await redis.xlen(lane.dead) == 1


async def test_a_private_entry_leaves_its_stream(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.suspects, {"crashes": 2})
    (entry,) = await read("ada", lane.suspects)
    assert await ada.bury(lane, entry, {b"reason": b"refused"})
    assert (await lane_contents(redis, lane)).suspects == []


async def test_letters_are_bounded_by_number(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    async with redis.pipeline(transaction=False) as batch:
        for _ in range(transitions.DEAD_LETTERS_MAX + 200):
            batch.xadd(lane.dead, {"reason": "of old"})
        await batch.execute()
    await publish(redis)
    (entry,) = await read("ada")
    await ada.bury(lane, entry, {b"reason": b"refused"})
    # Redis trims whole nodes of 100 entries: it keeps a little more than it is told, never less.
    assert transitions.DEAD_LETTERS_MAX <= await redis.xlen(lane.dead) <= transitions.DEAD_LETTERS_MAX + 100


async def test_letters_are_bounded_by_age(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    seconds, _ = await redis.time()
    too_old = int((seconds - transitions.DEAD_LETTERS_KEPT.total_seconds() - 1) * 1000)
    for number in range(200):
        await redis.xadd(lane.dead, {"reason": "of old"}, id=f"{too_old}-{number}")
    await publish(redis)
    (entry,) = await read("ada")
    await ada.bury(lane, entry, {b"reason": b"refused"})
    letters = (await lane_contents(redis, lane)).dead
    assert len(letters) < 100
    assert letters[-1]["reason"] == "refused"
