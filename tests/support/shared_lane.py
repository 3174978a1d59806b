"""What tests of a running consumer wait for, on the lane that they share."""

from typing import Any

from redis.asyncio import Redis

from tests.support.consumers import LANE, publish
from tests.support.lane_contents import lane_contents, raw_entries
from tests.support.waiting import until


async def quiet(redis: Redis) -> bool:
    """Tell whether nothing is left to do."""
    return (await lane_contents(redis, LANE)).is_quiet


async def only_letter(redis: Redis) -> dict[str, str]:
    """Wait for the first dead letter, which is the only one."""
    (letter,) = await until(lambda: _dead(redis), within=5)
    return letter


async def _dead(redis: Redis) -> list[dict[str, str]]:
    return (await lane_contents(redis, LANE)).dead


async def fields_of_one(redis: Redis) -> dict[bytes, bytes]:
    """Make an event's fields, on no stream yet."""
    await publish(redis)
    ((_, fields),) = await raw_entries(redis, LANE.facts)
    await redis.delete(LANE.facts)
    return fields


async def signs_of_life(redis: Redis, count: int) -> None:
    """Wait until the only consumer has given so many more."""
    for _ in range(count):
        ((_, before),) = await _alive(redis)

        async def is_renewed(before: float = before) -> bool:
            return any(score > before for _, score in await _alive(redis))

        await until(is_renewed, within=5)


async def _alive(redis: Redis) -> list[tuple[bytes, float]]:
    scores: Any = await redis.zrange(LANE.alive, 0, -1, withscores=True)
    return [(name, score) for name, score in scores]
