import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.slots import Slots


async def turn() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


class Visitor:
    """Takes a slot and keeps it until told to leave."""

    def __init__(self, slots: Slots, *, urgent: bool) -> None:
        self.urgent = urgent
        self.inside = False
        self._leave = asyncio.Event()
        self.task = asyncio.create_task(self._visit(slots))

    async def _visit(self, slots: Slots) -> None:
        async with slots.taken(urgent=self.urgent):
            self.inside = True
            try:
                await self._leave.wait()
            finally:
                self.inside = False

    async def leave(self) -> None:
        self._leave.set()
        await self.task


@pytest.mark.parametrize(("total", "reserved"), [(0, 0), (4, 4), (4, 5), (4, -1)])
async def test_slots_that_would_send_nothing_are_refused(total: int, reserved: int) -> None:
    with pytest.raises(ValueError, match="reserved"):
        Slots(total=total, reserved=reserved)


async def test_other_mail_never_takes_what_is_reserved() -> None:
    slots = Slots(total=4, reserved=1)
    others = [Visitor(slots, urgent=False) for _ in range(6)]
    await turn()
    assert [other.inside for other in others] == [True, True, True, False, False, False]
    code = Visitor(slots, urgent=True)
    await turn()
    assert code.inside
    for visitor in [code, *others]:
        await visitor.leave()
    assert slots.in_use == 0


async def test_urgent_mail_may_take_every_slot() -> None:
    slots = Slots(total=3, reserved=1)
    async with AsyncExitStack() as held:
        for _ in range(3):
            await held.enter_async_context(slots.taken(urgent=True))
        assert slots.in_use == 3


async def test_a_free_slot_goes_to_the_urgent_first() -> None:
    slots = Slots(total=2, reserved=0)
    first, second = Visitor(slots, urgent=False), Visitor(slots, urgent=False)
    await turn()
    other, code = Visitor(slots, urgent=False), Visitor(slots, urgent=True)
    await turn()
    await first.leave()
    await turn()
    assert (code.inside, other.inside) == (True, False)
    await second.leave()
    await turn()
    assert other.inside
    await code.leave()
    await other.leave()


async def test_a_slot_handed_to_someone_who_has_just_given_up_goes_on() -> None:
    slots = Slots(total=1, reserved=0)
    first = Visitor(slots, urgent=False)
    await turn()
    leaver, stayer = Visitor(slots, urgent=False), Visitor(slots, urgent=False)
    await turn()
    first._leave.set()
    await asyncio.sleep(0)  # the slot is handed over now
    leaver.task.cancel()
    await turn()
    assert stayer.inside
    await stayer.leave()
    assert slots.in_use == 0


@given(
    steps=st.lists(st.tuples(st.sampled_from(["code", "other", "leave", "cancel"]), st.integers(0, 50))),
    total=st.integers(1, 5),
    data=st.data(),
)
def test_whatever_happens_the_bounds_hold_and_no_slot_is_lost(
    steps: list[tuple[str, int]], total: int, data: st.DataObject
) -> None:
    reserved = data.draw(st.integers(0, total - 1))

    async def play() -> None:
        slots = Slots(total=total, reserved=reserved)
        visitors: list[Visitor] = []
        for step, index in steps:
            if step in {"code", "other"}:
                visitors.append(Visitor(slots, urgent=step == "code"))
            elif visitors:
                visitor = visitors.pop(index % len(visitors))
                if step == "leave":
                    visitor._leave.set()
                else:
                    visitor.task.cancel()
            if index % 3:
                await turn()
            inside = [visitor for visitor in visitors if visitor.inside]
            assert len(inside) <= total
            assert sum(not visitor.urgent for visitor in inside) <= total - reserved
        await turn()
        if len(visitors) >= total and sum(visitor.urgent for visitor in visitors) >= total:
            assert slots.in_use == total
        for visitor in visitors:
            visitor._leave.set()
        await asyncio.gather(*(visitor.task for visitor in visitors), return_exceptions=True)
        await turn()
        assert slots.in_use == 0

    asyncio.run(play())
