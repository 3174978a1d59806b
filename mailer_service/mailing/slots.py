"""Who may talk to the SMTP server now: a bound on all mail, and a share kept free for the urgent."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final


class Slots:
    """`total` mails at once, of which at most `total - reserved` are not urgent.

    A free slot goes to the urgent first, and within each kind to whoever waited longest.
    Raises `ValueError` when nothing would ever be sent.
    """

    def __init__(self, *, total: int, reserved: int) -> None:
        if not 0 <= reserved < total:
            raise ValueError("the reserved SMTP connections must be fewer than all of them, and not negative")
        self.total: Final = total
        self.reserved: Final = reserved
        self._urgent = 0
        self._others = 0
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    @asynccontextmanager
    async def taken(self, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for the block."""
        await self._take(urgent=urgent)
        try:
            yield
        finally:
            self._count(-1, urgent=urgent)
            self._pass_on()

    @property
    def in_use(self) -> int:
        """How many slots are held now."""
        return self._urgent + self._others

    def _free(self, *, urgent: bool) -> bool:
        return self.in_use < self.total and (urgent or self._others < self.total - self.reserved)

    def _count(self, by: int, *, urgent: bool) -> None:
        if urgent:
            self._urgent += by
        else:
            self._others += by

    async def _take(self, *, urgent: bool) -> None:
        queue = self._waiting[urgent]
        if not queue and self._free(urgent=urgent):
            self._count(1, urgent=urgent)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # passed over in the meantime
                    queue.remove(turn)
            else:  # the slot was already handed over when the wait was given up
                self._count(-1, urgent=urgent)
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Hand free slots to those who wait; a slot is counted from here on, not from when they wake."""
        for urgent in (True, False):
            queue = self._waiting[urgent]
            while queue and self._free(urgent=urgent):
                turn = queue.popleft()
                if not turn.done():
                    self._count(1, urgent=urgent)
                    turn.set_result(None)
