from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from mailer_service.consuming import gauges
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import LANE, publish

NAMES = ("stream_lag", "stream_pending", "delayed", "dead_letters")


def shown(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"mailer_{name}", {"stream": LANE.name})


async def test_an_empty_lane_shows_nothing(redis: Redis, lane: Lane) -> None:
    await gauges.collect(redis, lane)
    assert [shown(name) for name in (*NAMES, "oldest_unsent_seconds")] == [0, 0, 0, 0, 0]


async def test_a_lane_that_redis_forgot_shows_nothing(redis: Redis, lane: Lane) -> None:
    await redis.flushdb()
    await gauges.collect(redis, lane)
    assert [shown(name) for name in (*NAMES, "oldest_unsent_seconds")] == [0, 0, 0, 0, 0]


async def test_each_place_is_counted(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    await publish(redis, 10)
    first, second, *_ = await read("ada", count=6)
    await ada.postpone(lane, first, wait=timedelta(minutes=1), notes={})
    await ada.bury(lane, second, {b"reason": b"refused"})
    await gauges.collect(redis, lane)
    assert [shown(name) for name in NAMES] == [4, 4, 1, 1]


async def test_a_group_begun_within_the_stream_still_has_its_lag(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    assert ada.consumer
    await publish(redis, 5)
    middle = (await read("ada", count=2))[1]
    await redis.xgroup_destroy(lane.facts, lane.group)
    await redis.xgroup_create(lane.facts, lane.group, id=middle.id)
    await gauges.collect(redis, lane)
    assert shown("stream_lag") == 3


@pytest.mark.parametrize("place", ["unread", "pending", "retry", "delayed"])
async def test_the_oldest_unfinished_entry_is_found_wherever_it_is(
    redis: Redis, lane: Lane, ada: Transitions, read: Read, place: str
) -> None:
    seconds, _ = await redis.time()
    await redis.xadd(lane.facts, {"a": "\xff"}, id=f"{(seconds - 3600) * 1000}-0")
    await publish(redis, 2)
    for entry in await read("ada", count=1) if place != "unread" else ():
        if place == "retry":
            await ada.hand_back(lane, lane.facts, [entry.id], only=True)
        if place == "delayed":
            await ada.postpone(lane, entry, wait=timedelta(minutes=1), notes={b"first": entry.first_ms})
    await gauges.collect(redis, lane)
    oldest = shown("oldest_unsent_seconds")
    assert oldest is not None
    assert 3599 <= oldest < 3700
