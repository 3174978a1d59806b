"""`replay.lua`: a dead letter goes out again, once."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.support.lane_contents import lane_contents


async def test_a_letter_becomes_a_retry_with_the_fields_it_is_given(
    redis: Redis, lane: Lane, ada: Transitions
) -> None:
    letter: Any = await redis.xadd(lane.dead, {"id": "7", "reason": "refused"})
    assert await ada.replay(lane, letter.decode(), {b"id": b"7", b"replayed": b"dead"})
    contents = await lane_contents(redis, lane)
    assert contents.waiting[lane.retry] == [{"id": "7", "replayed": "dead"}]
    assert contents.dead == []


async def test_a_letter_that_is_gone_goes_nowhere(redis: Redis, lane: Lane, ada: Transitions) -> None:
    assert not await ada.replay(lane, "1-1", {b"id": b"7"})
    assert (await lane_contents(redis, lane)).retry == []


async def test_two_people_at_once_send_it_once(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions
) -> None:
    letter: Any = await redis.xadd(lane.dead, {"id": "7"})
    moved = await asyncio.gather(*(who.replay(lane, letter.decode(), {b"id": b"7"}) for who in (ada, bob)))
    assert sorted(moved) == [False, True]
    assert await redis.xlen(lane.retry) == 1
