from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from mailer_service.consuming.groups import ensure_groups
from tests.support.consumers import LANE

DAY = timedelta(hours=24)


async def positions(redis: Redis) -> list[bytes]:
    return [(await redis.xinfo_groups(key))[0]["last-delivered-id"] for key in LANE.read_keys]


async def test_the_facts_begin_a_day_ago_and_private_streams_at_their_beginning(redis: Redis) -> None:
    before, _ = await redis.time()
    await ensure_groups(redis, LANE, lookback=DAY)
    after, _ = await redis.time()
    facts, retry, suspects = await positions(redis)
    milliseconds = int(facts.partition(b"-")[0])
    assert (before - 86_400) * 1000 <= milliseconds <= (after + 1 - 86_400) * 1000
    assert (retry, suspects) == (b"0-0", b"0-0")


async def test_making_them_twice_changes_nothing(redis: Redis) -> None:
    await ensure_groups(redis, LANE, lookback=DAY)
    first = await positions(redis)
    await ensure_groups(redis, LANE, lookback=timedelta())
    assert await positions(redis) == first


async def test_only_what_is_missing_is_made(redis: Redis) -> None:
    await ensure_groups(redis, LANE, lookback=DAY)
    await redis.xgroup_setid(LANE.facts, LANE.group, "7-7")
    await redis.xgroup_destroy(LANE.retry, LANE.group)
    await ensure_groups(redis, LANE, lookback=DAY)
    assert await positions(redis) == [b"7-7", b"0-0", b"0-0"]


async def test_a_lookback_beyond_all_time_begins_at_the_beginning(redis: Redis) -> None:
    await ensure_groups(redis, LANE, lookback=timedelta(days=365 * 100))
    assert (await positions(redis))[0] == b"0-0"


async def test_a_key_of_another_type_is_told(redis: Redis) -> None:
    await redis.set(LANE.facts, "no stream", ex=60)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await ensure_groups(redis, LANE, lookback=DAY)
