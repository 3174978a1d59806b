"""A running consumer: what it reads, how much at once, and what keeps it going."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from contracts.events import LoginEvent
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.outcomes import Done, Outcome
from mailer_service.consuming.upkeep import PROMOTE_BATCH
from tests.support.consumers import BRISK, LANE, Desk, Running, publish, running
from tests.support.shared_lane import only_letter, quiet, signs_of_life
from tests.support.waiting import until


async def test_what_was_published_before_the_first_start_is_handled(redis_url: str, redis: Redis) -> None:
    published = await publish(redis, 20)
    desk = Desk()
    async with running(redis_url, desk):
        await until(lambda: len(desk.finished) >= 20, within=5)
        await until(lambda: quiet(redis), within=5)
    assert sorted(desk.finished) == sorted(published)
    assert await redis.xlen(LANE.facts) == 20


async def test_what_is_older_than_a_day_is_not(redis_url: str, redis: Redis) -> None:
    seconds, _ = await redis.time()
    await redis.xadd(LANE.facts, {"of": "old"}, id=f"{(seconds - 86_410) * 1000}-0")
    await redis.xadd(LANE.facts, {"of": "yesterday"}, id=f"{(seconds - 86_390) * 1000}-0")
    await publish(redis)
    desk = Desk()
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
        letter = await only_letter(redis)
    assert letter["of"] == "yesterday"


async def test_no_more_entries_are_in_hand_than_there_are_slots(redis_url: str, redis: Redis) -> None:
    most = 0
    leave = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        nonlocal most
        most = max(most, sum(not held.ended for held in consumer.consumer.readers[LANE.name].hands))
        await leave.wait()
        return Done()

    desk = Desk(decide)
    await publish(redis, 50)
    async with running(redis_url, desk) as consumer:
        await until(lambda: len(desk.begun) == LANE.slots, within=5)
        leave.set()
        await until(lambda: len(desk.finished) == 50, within=5)
    # COUNT holds for each of two streams: the last free slot may bring two.
    assert most <= LANE.slots + 1
    assert desk.copies == 0


async def test_a_reader_renews_an_old_sign_of_life_before_it_reads(redis_url: str, redis: Redis) -> None:
    pace = replace(BRISK, renew_every=timedelta(hours=1), begin_within=timedelta(milliseconds=50))
    allowed: list[bool] = []

    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        allowed.append(consumer.consumer.begin(held))
        return Done()

    async with running(redis_url, Desk(decide), pace=pace) as consumer:
        await signs_of_life(redis, 2)
        await until(lambda: _handled_one_more(redis, allowed), within=5)
    assert any(allowed)


async def _handled_one_more(redis: Redis, allowed: list[bool]) -> bool:
    await publish(redis)
    return any(allowed)


async def test_an_entry_in_hand_for_too_long_may_not_begin(redis_url: str, redis: Redis) -> None:
    allowed: list[bool] = []

    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        allowed.append(consumer.consumer.begin(held))
        held.asked_at -= consumer.consumer.pace.stuck_after.total_seconds()
        allowed.append(consumer.consumer.begin(held))
        return Done()

    async with running(redis_url, Desk(decide)) as consumer:
        consumer.consumer.life._unbroken_since = float("-inf")  # whatever its age, no life broke
        await publish(redis)
        await until(lambda: allowed, within=5)
    assert allowed == [True, False]


async def test_more_retries_than_a_batch_are_promoted_in_one_round(redis_url: str, redis: Redis) -> None:
    count = 2 * PROMOTE_BATCH + 1
    members: dict[Any, Any] = {f'["number","{number}"]': 1 for number in range(count)}
    await redis.zadd(LANE.delayed, members)
    await redis.expire(LANE.delayed, 60)
    consumer = Running(redis_url, Desk())
    await consumer.consumer._upkeep[0].promote()
    assert await redis.xlen(LANE.retry) == count
    await consumer.stop()


async def test_a_round_that_breaks_is_told_and_made_again(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url, Desk()) as consumer:
        with capture_logs() as lines, monkeypatch.context() as patched:

            async def promote(lane: Lane, *, limit: int) -> int:
                raise ValueError(lane.name, limit)

            patched.setattr(consumer.consumer.transitions, "promote", promote)
            await until(lambda: "round_broke" in [line["event"] for line in lines], within=5)
        await redis.zadd(LANE.delayed, {'["of","no type"]': 1})
        await redis.expire(LANE.delayed, 60)
        await only_letter(redis)


async def test_a_drained_consumer_is_removed_by_the_next(redis_url: str, redis: Redis) -> None:
    async def names() -> set[str]:
        return {info["name"].decode() for info in await redis.xinfo_consumers(LANE.facts, LANE.group)}

    desk = Desk()
    await publish(redis)
    async with running(redis_url, desk) as first:
        await until(lambda: desk.finished, within=5)
    assert first.consumer.name in await names()
    await publish(redis)
    async with running(redis_url, desk) as second:
        assert second.consumer.name != first.consumer.name
        await until(lambda: len(desk.finished) == 2, within=5)

        async def first_is_gone() -> bool:
            return await names() == {second.consumer.name}

        await until(first_is_gone, within=5)


async def test_liveness_fails_when_the_loop_stops_turning(redis_url: str) -> None:
    async with running(redis_url, Desk()) as consumer:
        reader = consumer.consumer.readers[LANE.name]
        assert consumer.consumer.is_alive
        turn = reader._turned_at
        await until(lambda: reader._turned_at != turn, within=5)
        ago = consumer.consumer.pace.turn_within.total_seconds()
        now = consumer.consumer._clock()
        reader._clock = lambda: now + 2 * ago
        reader._turned_at = now
        assert not consumer.consumer.is_alive
        await until(lambda: consumer.consumer.is_alive, within=5)
