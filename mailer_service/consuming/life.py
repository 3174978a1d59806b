"""Signs of life: a consumer writes them by server time, and judges its own right to act by their age."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from mailer_service.consuming.cancelling import pause
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.transitions import Transitions

log = structlog.get_logger(__name__)


class Life:
    """Renews this consumer's sign of life in every lane.

    Ages are measured on a monotonic clock from before the renewal was sent, so that a process that was
    stopped, or a reply that was slow, makes the sign older and never younger.
    """

    def __init__(
        self, transitions: Transitions, *, lanes: Sequence[Lane], pace: Pace, clock: Callable[[], float]
    ) -> None:
        self._transitions = transitions
        self._lanes = lanes
        self._pace = pace
        self._clock = clock
        self._renewed_at: float | None = None
        self._unbroken_since = float("inf")
        self._watched_for = timedelta(0)

    @property
    def may_begin(self) -> bool:
        """Whether irrevocable work may begin: nobody can have taken this consumer for dead yet."""
        return self._age() < self._pace.begin_within.total_seconds()

    @property
    def may_reclaim(self) -> bool:
        """Whether this consumer may judge others: signs of life came for as long as theirs may be missing.

        After a pause that hit everyone (Redis was away), the first to come back must not take all the
        rest for dead. Its own signs, or signs from anyone at all, must have come unbroken all that time.
        """
        silent = self._pace.silent_after.total_seconds()
        unbroken = self._clock() - self._unbroken_since >= silent
        return self._age() < silent and (unbroken or self._watched_for >= self._pace.silent_after)

    def has_lasted_since(self, moment: float) -> bool:
        """Whether nobody can have taken this consumer for dead since `moment`, in seconds of the clock."""
        return moment >= self._unbroken_since

    async def renew(self) -> None:
        """Write one sign of life. Raises redis-py's errors."""
        sent_at = self._clock()
        gap = self._pace.silent_after / 2
        watched = [await self._transitions.renew(lane, gap=gap) for lane in self._lanes]
        # From before the last sign was sent to after this one was answered: the server saw no longer silence.
        answered_at = self._clock()
        if self._age(answered_at) >= self._pace.silent_after.total_seconds():
            self._unbroken_since = answered_at
        self._renewed_at = sent_at
        self._watched_for = min(watched)

    async def run(self) -> None:
        """Renew for as long as it runs; faults of Redis leave the sign to age."""
        while True:
            try:
                await self.renew()
            except (RedisError, OSError) as fault:
                log.debug("renewal_failed", error=type(fault).__name__)
            await pause(self._pace.renew_every.total_seconds())

    async def leave(self) -> None:
        """Leave the living, at shutdown."""
        for lane in self._lanes:
            await self._transitions.leave(lane)

    def _age(self, now: float | None = None) -> float:
        if self._renewed_at is None:
            return float("inf")
        return (self._clock() if now is None else now) - self._renewed_at
