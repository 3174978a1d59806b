"""The sign that mail is held back: a key beside each stream, for whoever tells people that theirs is late."""

from collections.abc import Callable, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mailer_service.consuming.cancelling import pause
from mailer_service.consuming.lanes import Lane, Pace

log = structlog.get_logger(__name__)


class HoldingSign:
    """Shows in Redis, in every lane, which part this mailer waits for; `awaited` tells it.

    The sign goes when the mailer waits no longer, and by itself with a mailer that died: it lasts as long as
    a silent mailer is taken to be alive, and is renewed as often as the signs of life. Of several mailers
    the last to write says what is shown.
    """

    def __init__(
        self, redis: "Redis", *, lanes: Sequence[Lane], awaited: Callable[[], str | None], pace: Pace
    ) -> None:
        self._redis = redis
        self._lanes = lanes
        self._awaited = awaited
        self._pace = pace
        self._is_up = False

    async def renew(self) -> None:
        """Put the sign up or take it down, as is right now. Raises redis-py's errors."""
        part = self._awaited()
        if part is not None:
            self._is_up = True  # before it is: a reply that was lost leaves a sign that is to be taken down
            for lane in self._lanes:
                await self._redis.set(lane.stream.held_key, part, px=self._pace.silent_after)
        elif self._is_up:
            for lane in self._lanes:
                await self._redis.delete(lane.stream.held_key)
            self._is_up = False

    async def run(self) -> None:
        """Renew for as long as it runs; faults of Redis leave the sign to end by itself."""
        while True:
            try:
                await self.renew()
            except (RedisError, OSError) as fault:
                log.debug("holding_sign_not_renewed", error=type(fault).__name__)
            await pause(self._pace.renew_every.total_seconds())
