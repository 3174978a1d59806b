"""`clean.lua`: consumers with nothing pending and no life are removed, nobody else."""

from datetime import timedelta

from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.waiting import until

AT_ONCE = timedelta()


async def meet(redis: Redis, lane: Lane, consumer: str, key: str | None = None) -> None:
    """Let the group know a consumer; Redis 7.0 forgets one that reads nothing."""
    await redis.xgroup_createconsumer(key or lane.facts, lane.group, consumer)


async def names(redis: Redis, lane: Lane, key: str | None = None) -> set[str]:
    return {info["name"].decode() for info in await redis.xinfo_consumers(key or lane.facts, lane.group)}


async def test_an_idle_consumer_without_life_is_removed(redis: Redis, lane: Lane, ada: Transitions) -> None:
    for key in lane.read_keys:
        await meet(redis, lane, "bob", key)
        await meet(redis, lane, "ada", key)
    assert [await ada.clean(lane, key, silent=AT_ONCE) for key in lane.read_keys] == [1, 1, 1]
    for key in lane.read_keys:
        assert await names(redis, lane, key) == {"ada"}


async def test_one_with_pending_entries_stays(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    await publish(redis)
    (entry,) = await read("bob")
    assert await ada.clean(lane, lane.facts, silent=AT_ONCE) == 0
    assert await names(redis, lane) == {"bob"}
    await ada.done(lane, lane.facts, [entry.id])
    assert await ada.clean(lane, lane.facts, silent=AT_ONCE) == 1


async def test_a_living_one_stays(redis: Redis, lane: Lane, ada: Transitions, bob: Transitions) -> None:
    await meet(redis, lane, "bob")
    await bob.renew(lane)
    assert await ada.clean(lane, lane.facts, silent=timedelta(seconds=10)) == 0
    assert await names(redis, lane) == {"bob"}


async def test_one_that_has_just_read_stays_even_without_a_sign_of_life(
    redis: Redis, lane: Lane, ada: Transitions
) -> None:
    await meet(redis, lane, "bob")
    assert await ada.clean(lane, lane.facts, silent=timedelta(seconds=10)) == 0
    assert await names(redis, lane) == {"bob"}


async def test_one_whose_life_is_old_is_removed(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions
) -> None:
    await meet(redis, lane, "bob")
    await bob.renew(lane)

    async def removed() -> int:
        return await ada.clean(lane, lane.facts, silent=timedelta(milliseconds=20))

    assert await until(removed, within=5) == 1
    assert await names(redis, lane) == set()


async def test_a_missing_group_or_stream_has_no_consumers(redis: Redis, lane: Lane, ada: Transitions) -> None:
    await redis.xgroup_destroy(lane.facts, lane.group)
    assert await ada.clean(lane, lane.facts, silent=AT_ONCE) == 0
    await redis.delete(lane.facts)
    assert await ada.clean(lane, lane.facts, silent=AT_ONCE) == 0
