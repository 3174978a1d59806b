"""The rounds that keep a lane moving: promote what is due, reclaim from the dead, read suspects, clean up."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError

from mailer_service.consuming import metrics
from mailer_service.consuming.cancelling import pause
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.life import Life
from mailer_service.consuming.outcomes import DeadLetter
from mailer_service.consuming.reading import Reader
from mailer_service.consuming.settling import Settler
from mailer_service.consuming.transitions import Reclaimed, Transitions

log = structlog.get_logger(__name__)

PROMOTE_BATCH = 500


class Upkeep:
    """One lane's rounds. Every replica makes them; the scripts see to it that each move happens once."""

    def __init__(
        self,
        lane: Lane,
        *,
        transitions: Transitions,
        reader: Reader,
        settler: Settler,
        life: Life,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._lane = lane
        self._transitions = transitions
        self._reader = reader
        self._settler = settler
        self._life = life
        self._pace = pace
        self._clock = clock

    async def run(self) -> None:
        """Make all rounds until cancelled."""
        async with asyncio.TaskGroup() as rounds:
            rounds.create_task(_every(self._pace.promote_every, self.promote))
            rounds.create_task(_every(self._pace.reclaim_every, self.reclaim))
            rounds.create_task(_every(self._pace.reclaim_every, self._reader.read_suspect))
            rounds.create_task(_every(self._pace.stuck_after / 10, self.refresh))
            rounds.create_task(_every(self._pace.clean_every, self.clean))

    async def promote(self) -> None:
        """Move due retries to the retry stream, until no full batch is left."""
        while await self._transitions.promote(self._lane, limit=PROMOTE_BATCH) == PROMOTE_BATCH:
            pass

    async def reclaim(self) -> None:
        """Take over what dead and stuck consumers left, if this consumer's own life was unbroken."""
        for key in self._lane.read_keys:
            start = "-"
            while start and self._life.may_reclaim:
                async with self._reader.taking:
                    asked_at = self._clock()
                    taken = await self._take(key, start)
                    for entry, crashes, consumer in taken.poisonous:
                        self._reader.hold(entry, self._burial(crashes, consumer), asked_at=asked_at)
                for reason in (*taken.reasons, *("consumer_dead" for _ in taken.poisonous)):
                    metrics.reclaimed.labels(self._lane.name, reason).inc()
                if taken.reasons:
                    log.warning("entries_reclaimed", stream=self._lane.name, entries=len(taken.reasons))
                start = taken.next_id

    async def _take(self, key: str, start: str) -> Reclaimed:
        try:
            return await self._transitions.reclaim(
                self._lane,
                key,
                silent=self._pace.silent_after,
                stuck=self._pace.stuck_after,
                start=start,
            )
        except BaseException:
            self._reader.expect_strays()  # the lost reply may have claimed what is to be buried
            raise

    async def refresh(self) -> None:
        """Keep what is being sent or recorded from being taken for stuck."""
        for key in self._lane.read_keys:
            ids = [held.entry.id for held in self._reader.hands if held.irrevocable and held.entry.key == key]
            if ids:
                await self._transitions.refresh(self._lane, key, ids)

    def _burial(self, crashes: int, consumer: str) -> Callable[[InHand], Coroutine[Any, Any, None]]:
        letter = DeadLetter("poisonous", f"{crashes} consumers died with it, the last was {consumer}")

        async def bury(held: InHand) -> None:
            await self._settler.settle(held.entry, letter)
            held.settled = True

        return bury

    async def clean(self) -> None:
        """Remove consumers with nothing pending and no life."""
        for key in self._lane.read_keys:
            removed = await self._transitions.clean(self._lane, key, silent=self._pace.silent_after)
            if removed:
                log.info("consumers_removed", stream=self._lane.name, consumers=removed)


async def _every(gap: timedelta, work: Callable[[], Awaitable[None]]) -> None:
    """Repeat a round, whatever becomes of it. Redis being away is told in the log by the reader."""
    while True:
        try:
            await work()
        except (RedisError, OSError) as fault:
            log.debug("round_failed", error=type(fault).__name__)
        except Exception:
            # One reply that nobody foresaw must not end all the rounds of a process that goes on reading.
            log.exception("round_broke")
        await pause(gap.total_seconds())
