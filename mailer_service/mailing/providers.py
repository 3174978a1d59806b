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
from mailer_service.mailing.replies import Outage
from mailer_service.mailing.slots import Slots
from mailer_service.mailing.smtp_connection import SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.turns import Spent, Turn, Turns

log = structlog.get_logger(__name__)

PROBE_CAP_SECONDS: Final = 15.0
LOGIN_REFUSED_CAP_SECONDS: Final = 300.0
"""How seldom one is asked at last that refuses our password: asked oftener, some lock the account."""
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
        self._lost_at = self._back_at = self._quiet_until = float("-inf")
        self._gauge = smtp_breaker_open.labels(self.name)
        self._gauge.set(0)

    @property
    def is_away(self) -> bool:
        """Whether an outage was met, and neither a probe nor a mail got through since."""
        return self._away

    def lost(self, error: str, *, hint: timedelta | None = None) -> None:
        """Take note of an outage; a `hint` is how long the server wants to be left alone."""
        now = asyncio.get_running_loop().time()
        self._leave_alone(hint)
        if self._away:
            return
        if now - self._back_at > SOUND_AFTER * self._wait:
            self._wait = self._probe_every
        else:  # it answers probes and fails at mails
            self._grow_patient()
        self._away, self._lost_at = True, now
        self._gauge.set(1)
        log.error("provider_lost", provider=self.name, error=error)

    def took(self, *, begun: float) -> None:
        """Take note of a 250 to a mail that was begun at `begun`, by the loop's time: no probe says more."""
        if begun > self._lost_at:
            self._came_back()

    async def turn(self, *, urgent: bool, until: float) -> Turn | Spent:
        """Wait for a turn at the send rate, by the loop's time `until`."""
        return Turn() if self._turns is None else await self._turns.turn(urgent=urgent, until=until)

    async def probe(self) -> None:
        """Connect, greet, secure, authenticate; sends no mail. Raises `SmtpAway`.

        One that asked to be left alone for a time is not asked before.
        """
        quiet_seconds = self._quiet_until - asyncio.get_running_loop().time()
        if quiet_seconds > 0:
            raise SmtpAway(f"{self.name} is left alone for {quiet_seconds:.0f} s more")
        try:
            async with asyncio.timeout(self._probe_within):
                await self.pool.probe()
        except SmtpEnded as ended:
            self._failed_again(ended)
            raise SmtpAway(masked(ended.words())) from ended
        except TimeoutError as late:
            self._grow_patient()
            raise SmtpAway("no answer by the deadline") from late
        self._came_back()

    async def ask_until_back(self) -> None:
        """Probe it until it answers, or somebody else's probe was answered."""
        while self._away:
            quiet_seconds = self._quiet_until - asyncio.get_running_loop().time()
            await asyncio.sleep(max(self._wait * (1 + 0.25 * self._chance()), quiet_seconds))
            try:
                await self.probe()
            except SmtpAway as away:
                log.debug("probe_failed", provider=self.name, error=str(away))

    def _came_back(self) -> None:
        if self._away:
            self._away = False
            self._back_at = asyncio.get_running_loop().time()
            self._quiet_until = float("-inf")
            self._gauge.set(0)
            log.info("provider_back", provider=self.name)

    def _failed_again(self, ended: SmtpEnded) -> None:
        if ended.refuses_login:
            self._grow_patient(LOGIN_REFUSED_CAP_SECONDS)
            self._leave_alone(timedelta(seconds=self._wait))
        else:
            self._grow_patient()
        if isinstance(ended.verdict, Outage):
            self._leave_alone(ended.verdict.hint)

    def _grow_patient(self, cap_seconds: float = PROBE_CAP_SECONDS) -> None:
        self._wait = min(self._wait * 1.5, cap_seconds)

    def _leave_alone(self, hint: timedelta | None) -> None:
        if hint is not None:
            now = asyncio.get_running_loop().time()
            self._quiet_until = max(self._quiet_until, now + hint.total_seconds())


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

    def lost(self, provider: Provider, error: str, *, hint: timedelta | None = None) -> None:
        """Take note of an outage: another provider is used from now on, and this one is asked meanwhile."""
        provider.lost(error, hint=hint)
        if len(self._all) > 1 and provider.name not in self._asking:
            self._asking[provider.name] = asyncio.create_task(
                self._ask(provider),
                name=f"probe {provider.name}",
                context=Context(),  # its log lines are not the mail's that met the outage
            )

    async def _ask(self, provider: Provider) -> None:
        try:
            await provider.ask_until_back()
        finally:  # in the step that found it back: it may be lost again in the next one
            self._asking.pop(provider.name, None)

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
