"""The rounds: again and again, what has served its time is removed."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from auth_service.housekeeping.metrics import HousekeepingMetrics
from auth_service.storage.database import Database
from auth_service.storage.faults import PostgresAway
from auth_service.storage.leftovers import Leftover
from contracts.logs import tell_surprise

log = structlog.get_logger()

BATCH_ROWS: Final = 500
BATCHES_MAX: Final = 200
"""Of one kind in one round: a backlog is worked off over several, and keeps no other kind waiting."""


class Housekeeping:
    """Makes a round every `every`; any number may, at once.

    A batch is a transaction of at most `batch_rows`, so that none holds locks for long. While Postgres is
    away nothing is said: whoever needs it more says so.
    """

    def __init__(
        self,
        *,
        database: Database,
        leftovers: Mapping[str, Leftover],
        metrics: HousekeepingMetrics,
        every: timedelta,
        batch_rows: int = BATCH_ROWS,
        batches_max: int = BATCHES_MAX,
    ) -> None:
        self._database = database
        self._leftovers = leftovers
        self._metrics = metrics
        self._every = every
        self._batch_rows = batch_rows
        self._batches_max = batches_max
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Make rounds until `stop` is called; raises nothing but cancellation."""
        while not self._stopping.is_set():
            try:
                await self.round()
            except PostgresAway:
                pass
            except Exception as fault:  # noqa: BLE001 - one bad round must not end all that would follow
                tell_surprise("housekeeping_stumbled", fault, log=log)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every.total_seconds()):
                    await self._stopping.wait()

    def stop(self) -> None:
        """End `run` after the batch that it is in."""
        self._stopping.set()

    async def round(self) -> None:
        """Remove what is over, of each kind. Raises `PostgresAway`."""
        removed = {name: await self._remove(leftover) for name, leftover in self._leftovers.items()}
        told = {name: rows for name, rows in removed.items() if rows}
        if told:
            log.info("leftovers_removed", **told)

    async def _remove(self, leftover: Leftover) -> int:
        removed = 0
        for _ in range(self._batches_max):
            if self._stopping.is_set():
                break
            async with self._database.unit() as unit:
                rows = await unit.leftovers.remove(leftover, limit=self._batch_rows)
            self._metrics.deleted.labels(leftover.table.name).inc(rows)
            removed += rows
            if rows < self._batch_rows:
                break
        return removed
