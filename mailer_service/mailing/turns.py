"""Who may send now, where a provider takes mail at a rate only: the urgent first, and always some of them."""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from mailer_service.mailing.rates import Rate

COME_BACK_LEAST: Final = timedelta(seconds=1)
COME_BACK_MOST: Final = timedelta(hours=1)

CLAIM_KEPT_SECONDS: Final = 5.0
"""How late an urgent mail may come back and still find its turn: it is promoted and read anew meanwhile."""

CLAIMS_MOST: Final = 1000

KEPT_FOR_URGENT: Final = 4
"""One turn in so many is never given to a mail that is not urgent."""

_TIMER_GRAIN: Final = 1e-9
"""A loop calls back that much early."""


@dataclass(frozen=True, slots=True)
class Spent:
    """There was no turn in time. There may be one `after` so long."""

    after: timedelta


class Turn:
    """Leave to send one mail. It counts as sent now until `used` is told, and from then on as sent then."""

    def __init__(self, used: Callable[[], None] | None = None) -> None:
        self._used = used

    def used(self) -> None:
        """Tell that the server has counted the mail, if it will. Telling it again changes nothing."""
        used, self._used = self._used, None
        if used is not None:
            used()


class _Share:
    """A count of turns for any window: those that are held, not used yet, and those that were used in it."""

    def __init__(self, count: int) -> None:
        self.count: Final = count
        self.held = 0
        self._used_at: deque[float] = deque(maxlen=count)

    def used(self, at: float) -> None:
        self.held -= 1
        self._used_at.append(at)

    def opens_at(self, *, per_seconds: float, kept: int = 0) -> float:
        """When there is a turn beside `kept` others; infinite while it depends on turns that are held."""
        over = len(self._used_at) + self.held + kept + 1 - self.count
        if over <= 0:
            return float("-inf")
        return self._used_at[over - 1] + per_seconds if over <= len(self._used_at) else float("inf")


class Turns:
    """Gives turns at a rate: to the urgent first, and within each kind to whoever waited longest.

    However the others press, the urgent have their share of each window (a quarter, where there is more than
    one turn), and one that was told to come back finds its turn kept for it. A turn counts whatever becomes
    of the mail: providers count refused ones, too. Whatever moment a server counts a mail at, if it lies
    between the turn and `used`, it counts no more mails in a window than the rate allows.
    """

    def __init__(self, rate: Rate) -> None:
        self._per_seconds = rate.per.total_seconds()
        reserved = max(1, rate.count // KEPT_FOR_URGENT) if rate.count > 1 else 0
        self._all = _Share(rate.count)
        self._others = _Share(rate.count - reserved)
        self._claims: deque[float] = deque()
        """Until when turns are kept for the urgent that were told to come back, the earliest first."""
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}
        self._next: asyncio.TimerHandle | None = None

    async def turn(self, *, urgent: bool, until: float) -> Turn | Spent:
        """Wait for a turn, by the loop's time `until`."""
        loop = asyncio.get_running_loop()
        if urgent:
            self._redeem()
        if self._is_free(urgent=urgent) and not self._waiting[urgent]:
            self._hold(urgent=urgent)
            return self._turn(urgent=urgent)
        waiting: asyncio.Future[None] = loop.create_future()
        queue = self._waiting[urgent]
        queue.append(waiting)
        self._look_again()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():  # the turn was already given when the wait was given up
                self._turn(urgent=urgent).used()
            raise
        finally:
            ahead = 0
            with suppress(ValueError):  # not in the queue any more: it was given, or passed over
                ahead = queue.index(waiting)
                del queue[ahead]
                self._look_again()
        if not waiting.cancelled():
            return self._turn(urgent=urgent)
        return self._come_back(ahead, urgent=urgent)

    def _is_free(self, *, urgent: bool) -> bool:
        return self._opens_at(urgent=urgent) <= asyncio.get_running_loop().time() + _TIMER_GRAIN

    def _opens_at(self, *, urgent: bool) -> float:
        """When there is room for one more of that kind; others leave room for those who will be back."""
        if urgent:
            return self._all.opens_at(per_seconds=self._per_seconds)
        self._forget_claims()
        kept = len(self._claims) + len(self._waiting[True])
        return max(
            self._all.opens_at(per_seconds=self._per_seconds, kept=kept),
            self._others.opens_at(per_seconds=self._per_seconds),
        )

    def _hold(self, *, urgent: bool) -> None:
        self._all.held += 1
        self._others.held += not urgent

    def _turn(self, *, urgent: bool) -> Turn:
        def used() -> None:
            now = asyncio.get_running_loop().time()
            self._all.used(now)
            if not urgent:
                self._others.used(now)
            self._look_again()

        return Turn(used)

    def _look_again(self) -> None:
        """Wake when the next turn can be given. It may be earlier now than when this was last asked."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        wake = [self._opens_at(urgent=urgent) for urgent, queue in self._waiting.items() if queue]
        if self._waiting[False] and self._claims:
            wake.append(self._claims[0])
        at = min(wake, default=float("inf"))
        if at < float("inf"):
            loop = asyncio.get_running_loop()
            self._next = loop.call_at(max(at, loop.time()), self._give)

    def _give(self) -> None:
        for urgent, queue in self._waiting.items():
            while queue and self._is_free(urgent=urgent):
                waiting = queue.popleft()
                if not waiting.done():
                    self._hold(urgent=urgent)
                    waiting.set_result(None)
        self._look_again()

    def _come_back(self, ahead: int, *, urgent: bool) -> Spent:
        """Guess when all who go first will have had their turns, and keep an urgent one's turn for it.

        `ahead` counts those of its own kind that wait and came before it.
        """
        now = asyncio.get_running_loop().time()
        self._forget_claims()
        ahead += len(self._claims) + (0 if urgent else len(self._waiting[True]))
        share = self._all if urgent else self._others
        opens_at = min(self._opens_at(urgent=urgent), now + self._per_seconds)  # a held one may be used now
        wait = timedelta(seconds=max(0, opens_at - now) + ahead // share.count * self._per_seconds)
        after = min(max(wait, COME_BACK_LEAST), COME_BACK_MOST)
        if urgent and len(self._claims) < CLAIMS_MOST:
            insort(self._claims, now + after.total_seconds() + CLAIM_KEPT_SECONDS)
        return Spent(after)

    def _redeem(self) -> None:
        """Take back the oldest claim that is due: whoever it was for may be the one that is there now."""
        self._forget_claims()
        now = asyncio.get_running_loop().time()
        if self._claims and self._claims[0] - CLAIM_KEPT_SECONDS <= now + _TIMER_GRAIN:
            self._claims.popleft()

    def _forget_claims(self) -> None:
        """Let go of claims that nobody came back for."""
        now = asyncio.get_running_loop().time()
        while self._claims and self._claims[0] <= now + _TIMER_GRAIN:
            self._claims.popleft()
