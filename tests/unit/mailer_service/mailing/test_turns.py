"""A send rate is never exceeded, in whatever stretch of time one looks, and login mail goes first."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.rates import Rate
from mailer_service.mailing.turns import Spent, Turn, Turns
from tests.support.own_time import run_on_own_time

FAR = 1e9


async def got(turns: Turns, *, urgent: bool = False, until: float = FAR) -> bool:
    """Take a turn and use it at once, as a server does that answers at once."""
    turn = await turns.turn(urgent=urgent, until=until)
    if isinstance(turn, Turn):
        turn.used()
    return isinstance(turn, Turn)


def test_turns_come_at_once_until_the_rate_is_reached_and_then_one_by_one() -> None:
    async def play() -> list[float]:
        turns = Turns(Rate(2, timedelta(seconds=10)))
        clock = asyncio.get_running_loop().time
        came = []
        for _ in range(5):
            assert await got(turns, urgent=True)
            came.append(clock())
        return came

    assert run_on_own_time(play) == pytest.approx([0, 0, 10, 10, 20], abs=0.01)


def test_the_urgent_overtake_whoever_waits() -> None:
    async def play() -> list[str]:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        came: list[str] = []

        async def wait(name: str, *, urgent: bool) -> None:
            assert await got(turns, urgent=urgent)
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
    async def play() -> tuple[Turn | Spent, float, float]:
        turns = Turns(Rate(1, timedelta(seconds=30)))
        clock = asyncio.get_running_loop().time
        await got(turns)
        impatient = await turns.turn(urgent=False, until=10)
        left_at = clock()
        assert await got(turns)
        return impatient, left_at, clock()

    impatient, left_at, came_at = run_on_own_time(play)
    assert (impatient, left_at) == (Spent(timedelta(seconds=20)), 10)
    assert came_at == pytest.approx(30, abs=0.01)


def test_a_guess_when_to_come_back_counts_those_who_wait_and_has_bounds() -> None:
    async def ask(rate: Rate, waiting: int, until: float, *, urgent: bool) -> Turn | Spent:
        turns = Turns(rate)
        for _ in range(rate.count):
            await got(turns, urgent=True)
        others = [asyncio.create_task(turns.turn(urgent=False, until=FAR)) for _ in range(waiting)]
        await asyncio.sleep(0)
        spent = await turns.turn(urgent=urgent, until=until)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return spent

    def guess(rate: Rate, waiting: int, until: float, *, urgent: bool = False) -> Turn | Spent:
        return run_on_own_time(lambda: ask(rate, waiting, until, urgent=urgent))

    minute = timedelta(minutes=1)
    assert guess(Rate(2, minute), 4, 10) == Spent(timedelta(seconds=50) + 4 * minute)
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
            if await got(turns, urgent=urgent, until=at + patience):
                came.append(clock())

        await asyncio.gather(*(arrive(at, patience, urgent=urgent) for at, urgent, patience in arrivals))
        return came

    came = sorted(run_on_own_time(play))
    for first, over in zip(came, came[count:], strict=False):
        assert over - first >= seconds - 1e-6
    assert len(came) >= min(len(arrivals), max(1, count - 1))


def test_whoever_gives_up_leaves_the_turn_to_the_next() -> None:
    async def play() -> float:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        await got(turns)
        leaver = asyncio.create_task(turns.turn(urgent=True, until=FAR))
        stayer = asyncio.create_task(got(turns))
        await asyncio.sleep(1)
        leaver.cancel()
        assert await stayer
        assert leaver.cancelled()
        return asyncio.get_running_loop().time()

    assert run_on_own_time(play) == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, 20), (1, 60), (2, 60), (14, 1), (30, 60), (100, 300), (500, 3600)]
)
@pytest.mark.parametrize("codes", [1, 3])
def test_login_mail_gets_its_turn_whatever_backlog_of_notices_presses(
    count: int, seconds: int, codes: int
) -> None:
    patience, comes_back_late = 10.0, 0.2

    async def play() -> float:
        turns = Turns(Rate(count, timedelta(seconds=seconds)))
        clock = asyncio.get_running_loop().time
        notices_sent = 0

        async def send(*, urgent: bool) -> None:
            turn = await turns.turn(urgent=urgent, until=clock() + patience)
            while isinstance(turn, Spent):
                await asyncio.sleep(turn.after.total_seconds() + comes_back_late)
                turn = await turns.turn(urgent=urgent, until=clock() + patience)
            await asyncio.sleep(0.01)
            turn.used()

        async def notices() -> None:
            nonlocal notices_sent
            while True:
                await send(urgent=False)
                notices_sent += 1

        backlog = [asyncio.create_task(notices()) for _ in range(12)]
        await asyncio.sleep(2 * seconds + 5.5)
        assert notices_sent >= count
        began = clock()
        asked = []
        for _ in range(codes):
            asked.append(asyncio.create_task(send(urgent=True)))
            await asyncio.sleep(0.1)
        await asyncio.gather(*asked)
        waited = clock() - began
        for notice in backlog:
            notice.cancel()
        await asyncio.gather(*backlog, return_exceptions=True)
        return waited

    windows = -(-codes // max(1, count // 4))
    assert run_on_own_time(play) <= windows * (seconds + 1)


def test_a_turn_that_nobody_comes_back_for_goes_to_the_others() -> None:
    async def play() -> float:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        await got(turns)
        assert isinstance(await turns.turn(urgent=True, until=1), Spent)
        await got(turns)
        return asyncio.get_running_loop().time()

    assert run_on_own_time(play) == pytest.approx(15, abs=0.01)


def test_a_turn_that_is_not_used_yet_counts_as_used_now() -> None:
    async def play() -> list[float]:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        clock = asyncio.get_running_loop().time
        slow = await turns.turn(urgent=False, until=FAR)
        assert isinstance(slow, Turn)
        next_one = asyncio.create_task(got(turns))
        await asyncio.sleep(25)
        assert not next_one.done()
        slow.used()
        slow.used()
        await next_one
        return [clock()]

    assert run_on_own_time(play) == pytest.approx([35], abs=0.01)


def test_a_turn_that_came_as_its_mail_was_cancelled_counts_and_blocks_nobody() -> None:
    async def play() -> float:
        turns = Turns(Rate(1, timedelta(seconds=10)))
        slow = await turns.turn(urgent=False, until=FAR)
        assert isinstance(slow, Turn)
        leaver = asyncio.create_task(got(turns))
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        slow.used()
        loop.call_at(10 + 1e-10, leaver.cancel)
        await asyncio.gather(leaver, return_exceptions=True)
        await got(turns)
        return loop.time()

    assert run_on_own_time(play) <= 20.01
