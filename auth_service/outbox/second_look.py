"""The second look: whether all that was published is still there, and publishing what is not."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth_service.outbox.comparing import Entry, Sight, look_at
from auth_service.outbox.metrics import OutboxMetrics
from auth_service.outbox.publishing import publish
from auth_service.outbox.remembered import TRIM_SLACK, Remembered
from auth_service.storage.database import Database
from auth_service.storage.outbox import PublishedRow
from contracts.streams import STREAMS, Stream

log = structlog.get_logger()

ROWS_KEPT: Final = timedelta(days=1)
"""For how long a published row is compared with its stream: after a day no mail of it is worth sending."""

COMPARED: Final = {stream.name: min(ROWS_KEPT, stream.kept - TRIM_SLACK) for stream in STREAMS}
"""How long ago a row of each stream may have been published, so that trimming does not look like loss."""

_BY_NAME: Final = {stream.name: stream for stream in STREAMS}


class SecondLook:
    """Compares every kept row with its stream, newest first, a batch at each step.

    It is due from the start: what a relay published before its death, nobody remembers. Expired rows are
    published again too; the mailer's ledger absorbs what was sent, and records what came too late.
    """

    def __init__(
        self,
        *,
        database: Database,
        redis: Redis,
        remembered: Remembered,
        metrics: OutboxMetrics,
        batch_rows: int,
    ) -> None:
        self._database = database
        self._redis = redis
        self._remembered = remembered
        self._metrics = metrics
        self._batch_rows = batch_rows
        self.begin()

    def begin(self) -> None:
        """Begin anew, with the newest row."""
        self.is_due = True
        self.is_under_way = False
        self._reached: PublishedRow | None = None
        self._rows = self._left = 0
        self._republished: Counter[str] = Counter()

    async def step(self) -> None:
        """Look after one batch. Raises `PostgresAway`, or `RedisError` once it did what could be done.

        What could not be done now, or was in another relay's hands, is looked after in a further round.
        """
        async with self._database.unit() as unit:
            rows = await unit.outbox.published(within=COMPARED, before=self._reached, limit=self._batch_rows)
        refusals: list[RedisError | None] = []
        if rows:
            asked = _by_stream(rows)
            sight = await look_at(asked, redis=self._redis)
            refusals = [sight.refusal]
            self._left += sum(
                len(entries) for stream, entries in asked.items() if stream not in sight.streams
            )
            if gone := _gone(rows, sight):
                refusals.append(await self._publish_again(gone, redis_time=sight.redis_time))
        self._rows += len(rows)
        self._reached = rows[-1] if rows else None
        self.is_under_way = len(rows) == self._batch_rows
        if not self.is_under_way:
            self._end()
        for refusal in refusals:
            if refusal is not None:
                raise refusal

    async def _publish_again(self, gone: list[PublishedRow], *, redis_time: timedelta) -> RedisError | None:
        async with self._database.unit() as unit:
            rows = await unit.outbox.lock_published(gone)
            batch = await publish(rows, redis=self._redis, redis_time=redis_time)
            self._remembered.note_written(batch.first_entries(rows))
            if batch.entry_ids:
                await unit.outbox.mark_published(batch.entry_ids)
        for row in rows:
            if row.id in batch.entry_ids:
                self._republished[row.stream] += 1
                self._metrics.republished.labels(row.stream).inc()
        self._left += len(gone) - len(batch.entry_ids) - len(batch.malformed)
        return batch.refusal

    def _end(self) -> None:
        log.info("outbox_compared", rows=self._rows, republished=dict(self._republished), left=self._left)
        left = self._left
        self.begin()
        self.is_due = left > 0


def _by_stream(rows: Iterable[PublishedRow]) -> dict[Stream, list[Entry]]:
    asked: dict[Stream, list[Entry]] = {}
    for row in rows:
        asked.setdefault(_BY_NAME[row.stream], []).append(_entry(row))
    return asked


def _gone(rows: Iterable[PublishedRow], sight: Sight) -> list[PublishedRow]:
    gone = {entry for comparison in sight.streams.values() for entry in comparison.gone}
    return [row for row in rows if _entry(row) in gone]


def _entry(row: PublishedRow) -> Entry:
    return Entry(row.entry_id, str(row.id))
