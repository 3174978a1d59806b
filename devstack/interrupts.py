"""Ctrl-C, SIGTERM, a closed terminal: the first ends the work in hand, the second everything at once."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALLED: Final = 128
"""A shell's status for what a signal ended: this and the signal's number."""


class Interrupts:
    """Runs one piece of work that signals may end. `hurry` is called at the second signal."""

    def __init__(self, *, hurry: Callable[[], None] = lambda: None) -> None:
        self.hurry = hurry
        self.received: signal.Signals | None = None
        self._work: asyncio.Task[int] | None = None

    async def run(self, work: Coroutine[Any, Any, int]) -> int:
        """Do the work and give its status, or 128 and the number of the signal that cancelled it."""
        loop = asyncio.get_running_loop()
        self._work = asyncio.create_task(work)
        for number in SIGNALS:
            loop.add_signal_handler(number, self._receive, number)
        try:
            await asyncio.wait({self._work})
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
        if self._work.cancelled() and self.received is not None:
            return SIGNALLED + self.received
        return self._work.result()

    def _receive(self, number: signal.Signals) -> None:
        if self.received is not None:
            self.hurry()
            return
        self.received = number
        if self._work is not None:
            self._work.cancel()
