"""A send rate is never exceeded, in whatever stretch of time one looks, and login mail goes first."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.rates import Rate, Spent, Turns
from tests.support.own_time import run_on_own_time

FAR = 1e9


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("off", None),
        ("14/1", Rate(14, timedelta(seconds=1))),
        ("100000/86400", Rate(100_000, timedelta(days=1))),
    ],
)
def test_a_rate_is_read(written: str, rate: Rate | None) -> None:
    assert Rate.parse(written) == rate


@pytest.mark.parametrize("written", ["", "14", "0/1", "14/0", "-1/1", "1/86401", "100001/1", "1.5/1", "OFF"])
def test_what_is_no_rate_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="count"):
        Rate.parse(written)


def test_turns_come_at_once_until_the_rate_is_reached_and_then_one_by_one() -> None:
    async def play() -> list[float]:
        turns = Turns(Rate(2, timedelta(seconds=10)))
        clock = asyncio.get_running_loop().time
        came = []
        for _ in range(5):
            assert await turns.turn(urgent=False, until=FAR) is None
            came.append(clock())
        return came

    assert run_on_own_time(play) == pytest.approx([0, 0, 10, 10, 20], abs=0.01)


def test_the_urgent_overtake_whoever_waits() -> None:
    async def play() -> list[str]:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        came: list[str] = []

        async def wait(name: str, *, urgent: bool) -> None:
            assert await turns.turn(urgent=urgent, until=FAR) is None
            came.append(name)

        await asyncio.gather(
            wait("first", urgent=False),
            wait("notice 1", urgent=False),
            wait("notice 2", urgent=False),
            wait("code 1", urgent=True),
            wait("code 2", urgent=True),
        )
        return came

    assert run_on_own_time(play) == ["first", "code 1", "code 2", "notice 1", "notice 2"]


def test_whoever_gets_no_turn_in_time_is_told_when_to_come_back_and_keeps_nobody_waiting() -> None:
    async def play() -> tuple[Spent | None, float, Spent | None, float]:
        turns = Turns(Rate(1, timedelta(seconds=30)))
        clock = asyncio.get_running_loop().time
        await turns.turn(urgent=False, until=FAR)
        impatient = await turns.turn(urgent=True, until=10)
        left_at = clock()
        return impatient, left_at, await turns.turn(urgent=False, until=FAR), clock()

    impatient, left_at, patient, came_at = run_on_own_time(play)
    assert (impatient, left_at) == (Spent(timedelta(seconds=20)), 10)
    assert patient is None
    assert came_at == pytest.approx(30, abs=0.01)


def test_a_guess_when_to_come_back_counts_those_who_wait_and_has_bounds() -> None:
    async def ask(rate: Rate, waiting: int, until: float, *, urgent: bool) -> Spent | None:
        turns = Turns(rate)
        for _ in range(rate.count):
            await turns.turn(urgent=False, until=FAR)
        others = [asyncio.create_task(turns.turn(urgent=False, until=FAR)) for _ in range(waiting)]
        await asyncio.sleep(0)
        spent = await turns.turn(urgent=urgent, until=until)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return spent

    def guess(rate: Rate, waiting: int, until: float, *, urgent: bool = False) -> Spent | None:
        return run_on_own_time(lambda: ask(rate, waiting, until, urgent=urgent))

    minute = timedelta(minutes=1)
    assert guess(Rate(2, minute), 4, 10) == Spent(timedelta(seconds=50) + 2 * minute)
    assert guess(Rate(2, minute), 4, 10, urgent=True) == Spent(timedelta(seconds=50))
    assert guess(Rate(1, timedelta(days=1)), 1, 10) == Spent(timedelta(hours=1))
    assert guess(Rate(1, timedelta(seconds=1)), 0, 0.5) == Spent(timedelta(seconds=1))


@given(
    arrivals=st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.floats(0, 15)), max_size=40),
    count=st.integers(1, 5),
    seconds=st.integers(1, 7),
)
def test_no_stretch_of_time_holds_more_turns_than_the_rate_allows(
    arrivals: list[tuple[float, bool, float]], count: int, seconds: int
) -> None:
    async def play() -> list[float]:
        turns = Turns(Rate(count, timedelta(seconds=seconds)))
        clock = asyncio.get_running_loop().time
        came: list[float] = []

        async def arrive(at: float, patience: float, *, urgent: bool) -> None:
            await asyncio.sleep(at)
            if await turns.turn(urgent=urgent, until=at + patience) is None:
                came.append(clock())

        await asyncio.gather(*(arrive(at, patience, urgent=urgent) for at, urgent, patience in arrivals))
        return came

    came = sorted(run_on_own_time(play))
    for first, over in zip(came, came[count:], strict=False):
        assert over - first >= seconds - 1e-6
    assert len(came) >= min(len(arrivals), count)


def test_whoever_gives_up_leaves_the_turn_to_the_next() -> None:
    async def play() -> float:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        await turns.turn(urgent=False, until=FAR)
        leaver = asyncio.create_task(turns.turn(urgent=True, until=FAR))
        stayer = asyncio.create_task(turns.turn(urgent=False, until=FAR))
        await asyncio.sleep(1)
        leaver.cancel()
        assert await stayer is None
        assert leaver.cancelled()
        return asyncio.get_running_loop().time()

    assert run_on_own_time(play) == pytest.approx(10, abs=0.01)
