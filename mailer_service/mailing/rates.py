"""How many mails may go to a provider, and who goes next. Each process counts for itself alone."""

import asyncio
import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

COUNT_MAX: Final = 100_000
SECONDS_MAX: Final = 86_400
OFF: Final = "off"

COME_BACK_LEAST: Final = timedelta(seconds=1)
COME_BACK_MOST: Final = timedelta(hours=1)

_WRITTEN: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` mails in any stretch of time as long as `per`."""

    count: int
    per: timedelta

    @classmethod
    def parse(cls, written: str) -> Self | None:
        """Read `count/seconds`; None for `off`. Raises `ValueError`, which names the mend."""
        if written == OFF:
            return None
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise ValueError("is neither off nor count/seconds")
        count, seconds = int(found[1]), int(found[2])
        if not (1 <= count <= COUNT_MAX and 1 <= seconds <= SECONDS_MAX):
            raise ValueError(f"needs a count from 1 to {COUNT_MAX} and seconds from 1 to {SECONDS_MAX}")
        return cls(count, timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class Spent:
    """There was no turn in time. There may be one `after` so long."""

    after: timedelta


class Turns:
    """Gives turns at a rate: to the urgent first, and within each kind to whoever waited longest.

    A turn counts from when it is given, whatever becomes of the mail: providers count refused ones, too.
    """

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._per_seconds = rate.per.total_seconds()
        self._given: deque[float] = deque(maxlen=rate.count)
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}
        self._next: asyncio.TimerHandle | None = None

    async def turn(self, *, urgent: bool, until: float) -> Spent | None:
        """Wait for a turn, by the loop's time `until`. None means that it has come."""
        loop = asyncio.get_running_loop()
        if not self._waiting[True] and (urgent or not self._waiting[False]) and self._room_in() <= 0:
            self._given.append(loop.time())
            return None
        turn: asyncio.Future[None] = loop.create_future()
        queue = self._waiting[urgent]
        queue.append(turn)
        self._look_again()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await turn
        finally:
            with suppress(ValueError):  # not in the queue any more: it was given, or passed over
                queue.remove(turn)
        return Spent(self._come_back_in(urgent=urgent)) if turn.cancelled() else None

    def _room_in(self) -> float:
        """Seconds until the oldest of the last `count` turns is so long ago that it counts no more."""
        if len(self._given) < self._rate.count:
            return 0
        return self._given[0] + self._per_seconds - asyncio.get_running_loop().time()

    def _look_again(self) -> None:
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.call_later(max(0, self._room_in()), self._give)

    def _give(self) -> None:
        self._next = None
        for queue in (self._waiting[True], self._waiting[False]):
            while queue and self._room_in() <= 0:
                turn = queue.popleft()
                if not turn.done():
                    self._given.append(asyncio.get_running_loop().time())
                    turn.set_result(None)
        if any(self._waiting.values()):
            self._look_again()

    def _come_back_in(self, *, urgent: bool) -> timedelta:
        """Guess when all who wait now and go first will have had their turns."""
        ahead = len(self._waiting[True]) + (0 if urgent else len(self._waiting[False]))
        wait = timedelta(seconds=max(0, self._room_in())) + ahead // self._rate.count * self._rate.per
        return min(max(wait, COME_BACK_LEAST), COME_BACK_MOST)
