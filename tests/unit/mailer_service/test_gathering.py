"""Calls gather while others are under way; each gets its own answer."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from mailer_service.gathering import Gathering
from tests.support.waiting import until

LONG = timedelta(hours=1)
AT_ONCE = timedelta()


class Desk:
    """Answers when it is told to, and remembers which questions came together."""

    def __init__(self) -> None:
        self.lots: list[list[int]] = []
        self.open = asyncio.Event()

    async def __call__(self, questions: Sequence[int]) -> Sequence[int | Exception]:
        self.lots.append(list(questions))
        await self.open.wait()
        if 13 in questions:
            raise ConnectionError("nobody there")
        return [ValueError(str(number)) if number < 0 else number * 2 for number in questions]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_comes_alone_waits_for_nobody() -> None:
    desk = Desk()
    desk.open.set()
    gathering = Gathering(desk, most=10, apart=LONG)
    assert await gathering.ask(1) == 2
    assert desk.lots == [[1]]


async def test_who_comes_meanwhile_goes_together() -> None:
    desk = Desk()
    gathering = Gathering(desk, most=3, apart=AT_ONCE, patience=LONG)
    first = gathering.ask(1)
    await turns()
    others = [gathering.ask(number) for number in range(2, 7)]
    await turns()
    assert desk.lots == [[1]]
    desk.open.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8, 10, 12]
    assert desk.lots == [[1], [2, 3, 4], [5, 6]]


async def test_lots_begin_apart() -> None:
    desk = Desk()
    desk.open.set()
    gathering = Gathering(desk, most=10, apart=timedelta(milliseconds=50))
    await gathering.ask(1)
    assert await asyncio.gather(*(gathering.ask(number) for number in (2, 3))) == [4, 6]
    assert desk.lots == [[1], [2, 3]]


async def test_a_lot_that_is_held_up_does_not_hold_up_the_next_for_long() -> None:
    desk = Desk()
    gathering = Gathering(desk, most=10, apart=AT_ONCE, patience=timedelta(milliseconds=10))
    held_up = gathering.ask(1)
    await turns()
    second = gathering.ask(2)
    await until(lambda: len(desk.lots) == 2, within=5)
    desk.open.set()
    assert (await held_up, await second) == (2, 4)


async def test_an_exception_that_is_ones_own_answer_is_nobody_elses() -> None:
    desk = Desk()
    desk.open.set()
    gathering = Gathering(desk, most=10, apart=AT_ONCE)
    answers = await asyncio.gather(gathering.ask(1), gathering.ask(-7), return_exceptions=True)
    assert answers[0] == 2
    assert isinstance(answers[1], ValueError)


async def test_what_is_raised_each_of_the_lot_gets_and_none_of_the_next() -> None:
    desk = Desk()
    desk.open.set()
    gathering = Gathering(desk, most=2, apart=AT_ONCE)
    answers = await asyncio.gather(*map(gathering.ask, (1, 13, 3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError, int]


async def test_who_is_cancelled_before_the_lot_goes_is_left_out() -> None:
    desk = Desk()
    gathering = Gathering(desk, most=10, apart=AT_ONCE, patience=LONG)
    first = gathering.ask(1)
    await turns()
    second, third = gathering.ask(2), gathering.ask(3)
    first.cancel()
    second.cancel()
    desk.open.set()
    assert await third == 6
    assert desk.lots == [[1], [3]]
    with pytest.raises(asyncio.CancelledError):
        await first
