"""The SMTP servers that mail is handed to: which of them is there, and which one gets the next mail."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context
from datetime import timedelta
from typing import Final

import structlog

from mailer_service.mailing.masking import masked
from mailer_service.mailing.metrics import smtp_breaker_open
from mailer_service.mailing.rates import Rate
from mailer_service.mailing.slots import Slots
from mailer_service.mailing.smtp_connection import SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.turns import Spent, Turn, Turns

log = structlog.get_logger(__name__)

PROBE_CAP_SECONDS: Final = 15.0
SOUND_AFTER: Final = 3.0
"""A provider that is lost again within so many of its last waits is asked as seldom as before."""


class SmtpAway(ConnectionError):
    """No SMTP server is reachable and lets us in."""


class Provider:
    """One SMTP server with its connections, its send rate, and its breaker: whether it is believed away.

    While it is away it is asked every `probe_every` at first, then more and more seldom; an answer is awaited
    for `probe_within`.
    """

    def __init__(
        self,
        pool: SmtpPool,
        *,
        rate: Rate | None = None,
        probe_every: timedelta = timedelta(seconds=1),
        probe_within: timedelta = timedelta(seconds=20),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name: Final = pool.url.provider
        self.pool: Final = pool
        self._turns = None if rate is None else Turns(rate)
        self._probe_every = probe_every.total_seconds()
        self._probe_within = probe_within.total_seconds()
        self._chance = chance
        self._wait = self._probe_every
        self._away = False
        self._back_at = float("-inf")
        self._gauge = smtp_breaker_open.labels(self.name)
        self._gauge.set(0)

    @property
    def is_away(self) -> bool:
        """Whether an outage was met, and no probe got through since."""
        return self._away

    def lost(self, error: str) -> None:
        """Take note of an outage."""
        if self._away:
            return
        if asyncio.get_running_loop().time() - self._back_at > SOUND_AFTER * self._wait:
            self._wait = self._probe_every
        else:  # it answers probes and fails at mails
            self._grow_patient()
        self._away = True
        self._gauge.set(1)
        log.error("provider_lost", provider=self.name, error=error)

    async def turn(self, *, urgent: bool, until: float) -> Turn | Spent:
        """Wait for a turn at the send rate, by the loop's time `until`."""
        return Turn() if self._turns is None else await self._turns.turn(urgent=urgent, until=until)

    async def probe(self) -> None:
        """Connect, greet, secure, authenticate; sends no mail. Raises `SmtpAway`."""
        try:
            async with asyncio.timeout(self._probe_within):
                await self.pool.probe()
        except SmtpEnded as ended:
            raise SmtpAway(masked(ended.words())) from ended
        except TimeoutError as late:
            raise SmtpAway("no answer by the deadline") from late
        if self._away:
            self._away = False
            self._back_at = asyncio.get_running_loop().time()
            self._gauge.set(0)
            log.info("provider_back", provider=self.name)

    async def ask_until_back(self) -> None:
        """Probe it until it answers, or somebody else's probe was answered."""
        while self._away:
            await asyncio.sleep(self._wait * (1 + 0.25 * self._chance()))
            try:
                await self.probe()
            except SmtpAway as away:
                log.debug("probe_failed", provider=self.name, error=str(away))
                self._grow_patient()

    def _grow_patient(self) -> None:
        self._wait = min(self._wait * 1.5, PROBE_CAP_SECONDS)


class Providers:
    """The provider that is preferred, and those that stand in for it while it is away.

    One that was lost is asked and used again by itself. Where there is only one, asking it is left to whoever
    stopped reading mail meanwhile: see `probe`.
    """

    def __init__(self, first: Provider, *others: Provider, slots: Slots) -> None:
        self.slots: Final = slots
        """For all of them together, so that a lane never reads more than can be sent."""
        self._all: Final = (first, *others)
        self._asking: Final[dict[str, asyncio.Task[None]]] = {}

    def __iter__(self) -> Iterator[Provider]:
        """Give all, the preferred one first."""
        return iter(self._all)

    def choose(self) -> Provider:
        """Give the first that is there. With none there, the first: its answer tells what is wrong."""
        return next((provider for provider in self._all if not provider.is_away), self._all[0])

    def named(self, name: str) -> Provider | None:
        """Find a provider by its name; None for one that is not in use any more."""
        return next((provider for provider in self._all if provider.name == name), None)

    def others_than(self, provider: Provider) -> bool:
        """Tell whether another provider is there."""
        return any(not other.is_away for other in self._all if other is not provider)

    def lost(self, provider: Provider, error: str) -> None:
        """Take note of an outage: another provider is used from now on, and this one is asked meanwhile."""
        provider.lost(error)
        if len(self._all) > 1 and provider.name not in self._asking:
            asking = asyncio.create_task(
                provider.ask_until_back(),
                name=f"probe {provider.name}",
                context=Context(),  # its log lines are not the mail's that met the outage
            )
            self._asking[provider.name] = asking
            asking.add_done_callback(lambda _: self._asking.pop(provider.name))

    async def probe(self) -> None:
        """Ask all at once, until one has answered. Raises `SmtpAway` when none does."""
        waiting = {asyncio.create_task(provider.probe()) for provider in self._all}
        errors: list[str] = []
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                faults = [probe.exception() for probe in done]
                if None in faults:
                    return
                errors += map(str, faults)
        finally:
            await _end(waiting)
        raise SmtpAway("; ".join(errors))

    async def close(self) -> None:
        """Ask no more, and leave every connection."""
        await _end(self._asking.values())
        for provider in self._all:
            provider.pool.close()


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    ended = list(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)
