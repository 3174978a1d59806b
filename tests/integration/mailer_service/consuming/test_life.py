"""Signs of life by the server's clock, and what their age permits; the test moves the consumer's clock."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from mailer_service.consuming import transitions
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.life import Life
from mailer_service.consuming.transitions import Transitions
from tests.support.waiting import until


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def life(lane: Lane, ada: Transitions, clock: Clock) -> Life:
    return Life(ada, lanes=[lane], pace=Pace(), clock=clock)


async def test_a_sign_of_life_bears_the_servers_time_and_expires(
    redis: Redis, lane: Lane, ada: Transitions
) -> None:
    seconds, _ = await redis.time()
    await ada.renew(lane)
    score = await redis.zscore(lane.alive, "ada")
    assert score is not None
    assert seconds * 1000 <= score <= (seconds + 60) * 1000
    assert 0 < await redis.ttl(lane.alive) <= transitions.FORGET_AFTER.total_seconds()


async def test_the_long_silent_leave_the_set(redis: Redis, lane: Lane, ada: Transitions) -> None:
    seconds, _ = await redis.time()
    hour_ago = (seconds - transitions.FORGET_AFTER.total_seconds() - 1) * 1000
    await redis.zadd(lane.alive, {"long gone": hour_ago, "silent": hour_ago + 60_000})
    await ada.renew(lane)
    assert await redis.zrange(lane.alive, 0, -1) == [b"silent", b"ada"]


async def test_leaving_takes_only_oneself_from_the_set(
    redis: Redis, lane: Lane, life: Life, bob: Transitions
) -> None:
    await life.renew()
    await bob.renew(lane)
    await life.leave()
    assert await redis.zrange(lane.alive, 0, -1) == [b"bob"]


def test_nothing_may_be_done_before_the_first_sign(life: Life) -> None:
    assert not life.may_begin
    assert not life.may_reclaim


@pytest.mark.parametrize(("seconds", "state"), [(0, "young"), (7.9, "young"), (8, "old"), (60, "old")])
async def test_work_may_begin_while_the_sign_is_young(
    life: Life, clock: Clock, seconds: float, state: str
) -> None:
    await life.renew()
    clock.now += seconds
    assert life.may_begin is (state == "young")


async def test_others_are_judged_only_after_an_unbroken_life_of_ten_seconds(life: Life, clock: Clock) -> None:
    await life.renew()
    for _ in range(4):
        assert not life.may_reclaim
        clock.now += 2.5
        await life.renew()
    assert life.may_reclaim
    clock.now += 10
    assert not life.may_reclaim


async def test_a_gap_of_ten_seconds_breaks_a_life(life: Life, clock: Clock) -> None:
    await life.renew()
    for pause in (9.9, 9.9):
        clock.now += pause
        await life.renew()
    assert life.may_reclaim
    clock.now += 10
    await life.renew()
    assert not life.may_reclaim
    assert life.may_begin


async def test_what_was_read_before_the_break_may_be_another_consumers(life: Life, clock: Clock) -> None:
    assert not life.has_lasted_since(clock.now)
    await life.renew()
    read_before = clock.now
    clock.now += 9.9
    await life.renew()
    assert life.has_lasted_since(read_before)
    clock.now += 10
    await life.renew()
    assert not life.has_lasted_since(read_before)
    assert life.has_lasted_since(clock.now)


async def test_a_sign_that_was_long_on_its_way_breaks_a_life(
    life: Life, clock: Clock, monkeypatch: pytest.MonkeyPatch, ada: Transitions
) -> None:
    """A process stopped between making its sign and sending it: the server saw a silence in between."""
    await life.renew()
    clock.now += 7
    renew = ada.renew

    async def stalled(lane: Lane, **told: Any) -> Any:  # noqa: ANN401  # passed on as it comes
        clock.now += 3
        return await renew(lane, **told)

    monkeypatch.setattr(ada, "renew", stalled)
    read_before = clock.now
    await life.renew()
    assert not life.has_lasted_since(read_before)
    assert not life.may_reclaim


async def test_a_refused_sign_leaves_the_old_one_to_age(
    redis: Redis, lane: Lane, life: Life, clock: Clock
) -> None:
    await life.renew()
    clock.now += 7
    await redis.set(lane.alive, "no sorted set", ex=60)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await life.renew()
    clock.now += 1
    assert not life.may_begin


async def test_who_has_just_begun_may_judge_where_others_kept_watch(
    lane: Lane, life: Life, bob: Transitions
) -> None:
    """Signs by another consumer, without a gap, show that Redis was there to be spoken to."""
    gap = timedelta(milliseconds=500)
    brief = Life(life._transitions, lanes=[lane], pace=Pace(silent_after=2 * gap), clock=life._clock)
    await brief.renew()
    assert not brief.may_reclaim
    await until(lambda: _has_watched_for(2 * gap, by=bob, lane=lane, gap=gap), within=20)
    await brief.renew()
    assert brief.may_reclaim


async def test_a_gap_in_all_signs_begins_the_watch_anew(redis: Redis, lane: Lane, bob: Transitions) -> None:
    gap = timedelta(milliseconds=50)
    await until(lambda: _has_watched_for(gap, by=bob, lane=lane, gap=timedelta(seconds=5)), within=20)
    seconds, micros = await redis.time()
    await redis.zadd(lane.alive, {"bob": seconds * 1000 + micros // 1000 - 51})
    assert await bob.renew(lane, gap=gap) == timedelta(0)


async def _has_watched_for(least: timedelta, *, by: Transitions, lane: Lane, gap: timedelta) -> bool:
    return await by.renew(lane, gap=gap) >= least
