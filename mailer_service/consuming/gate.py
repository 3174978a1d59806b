"""The gate in front of reading: shut by any open breaker and by shutdown; and the breakers themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from prometheus_client import Gauge

log = structlog.get_logger(__name__)

PROBE_CAP_SECONDS = 15.0
SOUND_AFTER = 3.0
"""A breaker that opens again within so many of its last waits goes on where it was."""


class Gate:
    """Open while nobody holds it shut."""

    def __init__(self) -> None:
        self._shut_by: set[str] = set()
        self._opened = asyncio.Event()
        self._opened.set()

    @property
    def shut_by(self) -> frozenset[str]:
        """Who holds it shut."""
        return frozenset(self._shut_by)

    def shut(self, who: str) -> None:
        """Stop new reads until `who` opens again."""
        self._shut_by.add(who)
        self._opened.clear()

    def open(self, who: str) -> None:
        """Let go; reading goes on when nobody else holds the gate."""
        self._shut_by.discard(who)
        if not self._shut_by:
            self._opened.set()

    async def wait(self, *, within: timedelta) -> bool:
        """Wait until it is open. False when it was not within that time."""
        if not self._opened.is_set():
            try:
                async with asyncio.timeout(within.total_seconds()):
                    await self._opened.wait()
            except TimeoutError:
                return False
        return True


class Breaker:
    """Shuts the gate while a part everything needs is away, and asks that part until it answers.

    The probe does no work of its own: it connects and authenticates. It raises while the part is away.
    """

    def __init__(
        self,
        part: str,
        *,
        probe: Callable[[], Awaitable[None]],
        gate: Gate,
        gauge: Gauge,
        every: timedelta,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self.part = part
        self._probe = probe
        self._gate = gate
        self._every = every
        self._chance = chance
        self._clock = clock
        self._gauge = gauge
        self._probing: asyncio.Task[None] | None = None
        self._wait = every.total_seconds()
        self._closed_at = float("-inf")
        gauge.set(0)

    @property
    def is_open(self) -> bool:
        """Whether the part is believed away."""
        return self._probing is not None

    def trip(self, error: str) -> None:
        """Open, if it is not open yet, and start asking."""
        if self._probing is None:
            self._gate.shut(self.part)
            self._gauge.set(1)
            if self._clock() - self._closed_at > SOUND_AFTER * self._wait:
                self._wait = self._every.total_seconds()
            else:  # the probe is answered and the work is not: ask ever more seldom
                self._wait = min(self._wait * 1.5, PROBE_CAP_SECONDS)
            log.error("breaker_opened", part=self.part, error=error)
            self._probing = asyncio.create_task(self._ask_until_back(), name=f"probe-{self.part}")

    async def close(self) -> None:
        """Stop asking, at shutdown."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _ask_until_back(self) -> None:
        while True:
            await asyncio.sleep(self._wait * (1 + 0.25 * self._chance()))
            try:
                await self._probe()
            except Exception as fault:  # noqa: BLE001  # whatever the probe raises means "still away"
                log.debug("probe_failed", part=self.part, error=type(fault).__name__)
                self._wait = min(self._wait * 1.5, PROBE_CAP_SECONDS)
            else:
                break
        self._probing = None
        self._closed_at = self._clock()
        self._gauge.set(0)
        log.info("breaker_closed", part=self.part)
        self._gate.open(self.part)
