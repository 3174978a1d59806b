"""The relay: publishes what is committed, for as long as it runs, and again what Redis forgot."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth_service.outbox.backoff import backoff
from auth_service.outbox.links import Link
from auth_service.outbox.metrics import OutboxMetrics
from auth_service.outbox.publishing import publish
from auth_service.outbox.remembered import Remembered
from auth_service.outbox.second_look import SecondLook
from auth_service.storage.database import Database
from auth_service.storage.faults import PostgresAway
from auth_service.storage.outbox import OutboxRow
from contracts.logs import tell_surprise

log = structlog.get_logger()

BATCH_ROWS: Final = 500
MALFORMED_REMEMBERED: Final = 10_000


class Relay:
    """Sweeps the outbox every `sweep_every` and at once when `wake` is set; any number may run.

    It outlives Redis, Postgres and surprises: it waits and tries again. At least once is promised: what dies
    between writing and committing is written again, with the same event id. Every `sweep_every`, not at each
    waking, it looks whether Redis still has what it had; if not, and at the start, it compares every row it
    keeps with the streams, a batch at a time, and new rows before each.
    """

    def __init__(
        self,
        *,
        database: Database,
        redis: Redis,
        wake: asyncio.Event,
        metrics: OutboxMetrics,
        sweep_every: timedelta = timedelta(seconds=1),
        batch_rows: int = BATCH_ROWS,
        chance: Callable[[], float] = random.random,
        on_published: Callable[[Iterable[OutboxRow]], Awaitable[None]] | None = None,
    ) -> None:
        self._on_published = on_published
        self._database = database
        self._redis = redis
        self._wake = wake
        self._metrics = metrics
        self._sweep_every = sweep_every
        self._batch_rows = batch_rows
        self._chance = chance
        self._remembered = Remembered()
        self._second_look = SecondLook(
            database=database,
            redis=redis,
            remembered=self._remembered,
            metrics=metrics,
            batch_rows=batch_rows,
        )
        self._look_at = 0.0
        self._redis_link = Link("redis")
        self._postgres_link = Link("postgres")
        self._stumbles = 0
        self._measure_at = 0.0
        self._malformed: set[UUID] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Publish until `stop` is called; raises nothing but cancellation."""
        while not self._stopping.is_set():
            self._wake.clear()
            failures = await self._turn()
            if failures:
                await _set_within(self._stopping, backoff(failures, chance=self._chance()))
            elif not self._second_look.is_under_way:
                await _set_within(self._wake, self._sweep_every.total_seconds())

    def stop(self) -> None:
        """End `run` after the turn that it is in."""
        self._stopping.set()
        self._wake.set()

    async def sweep(self) -> int:
        """Publish all new rows, tell how many, and take the next step of a second look if one is due.

        Raises `RedisError` or `PostgresAway`.
        """
        published, refusal = await self._publish_new()
        if asyncio.get_running_loop().time() >= self._look_at:
            refusal = await self._look() or refusal
        if self._second_look.is_due and not self._stopping.is_set():
            await self._second_look.step()
        if refusal is not None:
            raise refusal
        return published

    async def _publish_new(self) -> tuple[int, RedisError | None]:
        seconds, microseconds = await self._redis.time()
        redis_time = timedelta(seconds=int(seconds), microseconds=int(microseconds))
        published, after, full = 0, None, True
        refusal: RedisError | None = None
        while full and not self._stopping.is_set():
            async with self._database.unit() as unit:
                rows = await unit.outbox.lock_unpublished(after=after, limit=self._batch_rows)
                batch = await publish(rows, redis=self._redis, redis_time=redis_time)
                self._remembered.note_written(batch.first_entries(rows))
                if batch.entry_ids:
                    await unit.outbox.mark_published(batch.entry_ids)
            written = [row for row in rows if row.id in batch.entry_ids]
            if self._on_published is not None:
                await self._on_published(written)
            for row in written:
                self._metrics.published.labels(row.type).inc()
            self._tell_malformed(batch.malformed)
            published += len(batch.entry_ids)
            refusal = refusal or batch.refusal
            if batch.refusal is not None and not batch.entry_ids:
                break  # Redis takes nothing now; the rest of the backlog need not ask as well
            full = len(rows) == self._batch_rows
            after = rows[-1].id if rows else None  # passes over rows that stay, so that none blocks the rest
        return published, refusal

    async def _look(self) -> RedisError | None:
        """Look whether Redis still has what it had, and begin a second look if it has not."""
        finding = await self._remembered.look(redis=self._redis)
        self._look_at = asyncio.get_running_loop().time() + self._sweep_every.total_seconds()
        if finding.is_loss:
            streams = [stream.name for stream in finding.forgetful]
            log.warning("redis_forgot", restarted=finding.restarted, streams=streams)
            self._second_look.begin()
        return finding.refusal

    async def _turn(self) -> int:
        """Sweep, and measure when that is due; tell how many turns in a row have failed now."""
        try:
            await self._try_sweep()
            self._metrics.redis_up.set(0 if self._redis_link.failures else 1)
            if self._postgres_link.failures or asyncio.get_running_loop().time() >= self._measure_at:
                await self._try_measure()
            self._stumbles = 0
        except Exception as fault:  # noqa: BLE001 - a relay that died of a surprise would hold back every mail
            self._stumbles += 1
            tell_surprise("relay_stumbled", fault, log=log)
        return max(self._redis_link.failures, self._postgres_link.failures, self._stumbles)

    async def _try_sweep(self) -> None:
        try:
            await self.sweep()
        except RedisError as fault:
            self._look_at = 0.0  # whatever it was, Redis may be another one afterwards
            self._redis_link.lost(fault)
        except PostgresAway as fault:
            self._redis_link.found()  # it was asked the time first
            self._postgres_link.lost(fault)
        else:
            self._redis_link.found()
            self._postgres_link.found()

    async def _try_measure(self) -> None:
        self._measure_at = asyncio.get_running_loop().time() + self._sweep_every.total_seconds()
        try:
            async with self._database.unit() as unit:
                backlog = await unit.outbox.backlog()
        except PostgresAway as fault:
            self._postgres_link.lost(fault)
            return
        self._postgres_link.found()
        self._metrics.unpublished.set(backlog.rows)
        self._metrics.oldest_seconds.set(backlog.oldest_seconds)

    def _tell_malformed(self, rows: Mapping[UUID, str]) -> None:
        """Say once of each row that it cannot go out; it stays, to be looked at."""
        for event_id, error in rows.items():
            if event_id not in self._malformed and len(self._malformed) < MALFORMED_REMEMBERED:
                self._malformed.add(event_id)
                log.error("event_unpublishable", event_id=str(event_id), error=error)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
