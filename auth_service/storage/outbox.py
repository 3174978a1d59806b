"""The outbox: events as rows, committed with the change they tell of, published afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.storage.tables import SCHEMA, outbox
from contracts.events import AnyEvent
from contracts.facts import EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """An event as it waits to be published. `id` is the event's id."""

    id: UUID
    stream: str
    type: str
    subject: str | None
    sequence: int
    occurred_at: datetime
    expires_at: datetime | None
    traceparent: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """Where a row was published to, and when that was noted."""

    id: UUID
    stream: str
    entry_id: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is not published yet."""

    rows: int
    oldest_seconds: float


_COLUMNS: Final = tuple(field.name for field in fields(OutboxRow))

_PUBLISHED_COLUMNS: Final = tuple(field.name for field in fields(PublishedRow))

_MARK: Final = text(
    f"UPDATE {SCHEMA}.outbox SET published_at = clock_timestamp(), entry_id = told.entry_id"  # noqa: S608 - a constant
    " FROM unnest(:ids, :entry_ids) AS told (id, entry_id) WHERE outbox.id = told.id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("entry_ids", type_=ARRAY(Text)))


class Outbox:
    """The outbox, within one transaction. `appended` tells whether it holds news to wake a relay for."""

    def __init__(self, connection: AsyncConnection, *, traceparent: str | None) -> None:
        self._connection = connection
        self._traceparent = traceparent
        self.appended = False

    async def append(
        self,
        event: type[AnyEvent],
        *,
        event_id: UUID,
        data: EventData,
        subject: UUID | None,
        sequence: int,
        expires_at: datetime | None = None,
    ) -> None:
        """Add a fact; it exists when, and only when, the transaction commits."""
        await self._connection.execute(
            insert(outbox).values(
                id=event_id,
                stream=event.stream.name,
                type=event.type_name(),
                subject=None if subject is None else str(subject),
                sequence=sequence,
                expires_at=expires_at,
                traceparent=self._traceparent,
                data=data.model_dump(mode="json"),
            )
        )
        self.appended = True

    async def lock_unpublished(self, *, after: UUID | None, limit: int) -> Sequence[OutboxRow]:
        """Take unpublished rows that no other relay has in hand, in order of id, those after `after`.

        Ids are not given in order of commit: a row may turn up before one already taken. The next sweep
        begins anew and finds it; no global order is promised.
        """
        query = (
            select(*(outbox.c[name] for name in _COLUMNS))
            .where(outbox.c.published_at.is_(None))
            .order_by(outbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if after is not None:
            query = query.where(outbox.c.id > after)
        found = await self._connection.execute(query)
        return [OutboxRow(**row) for row in found.mappings()]

    async def mark_published(self, entry_ids: Mapping[UUID, str]) -> None:
        """Note, for each event id, which stream entry it became."""
        await self._connection.execute(
            _MARK, {"ids": list(entry_ids.keys()), "entry_ids": list(entry_ids.values())}
        )

    async def published(
        self, *, within: Mapping[str, timedelta], before: PublishedRow | None, limit: int
    ) -> Sequence[PublishedRow]:
        """Read the rows of each stream that were published `within` its time until now, newest first.

        `before` is where the page before ended. Locks nothing.
        """
        age_max = max(within.values())
        query = (
            select(*(outbox.c[name] for name in _PUBLISHED_COLUMNS))
            .where(
                outbox.c.published_at > func.now() - age_max,  # what the index can use
                or_(
                    *(
                        and_(outbox.c.stream == stream, outbox.c.published_at > func.now() - age)
                        for stream, age in within.items()
                    )
                ),
            )
            .order_by(outbox.c.published_at.desc(), outbox.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            end = (before.published_at, before.id)
            query = query.where(tuple_(outbox.c.published_at, outbox.c.id) < end)
        found = await self._connection.execute(query)
        return [PublishedRow(**row) for row in found.mappings()]

    async def lock_published(self, rows: Sequence[PublishedRow]) -> Sequence[OutboxRow]:
        """Take those rows that no other relay has in hand, or has published again since they were read."""
        told = (
            func.unnest(
                bindparam("ids", [row.id for row in rows], type_=ARRAY(Uuid)),
                bindparam("entry_ids", [row.entry_id for row in rows], type_=ARRAY(Text)),
            )
            .table_valued("id", "entry_id")
            .render_derived(name="told")
        )
        query = (
            select(*(outbox.c[name] for name in _COLUMNS))
            .join(told, and_(outbox.c.id == told.c.id, outbox.c.entry_id == told.c.entry_id))
            .order_by(outbox.c.published_at.desc(), outbox.c.id.desc())
            .with_for_update(of=outbox, skip_locked=True)
        )
        found = await self._connection.execute(query)
        return [OutboxRow(**row) for row in found.mappings()]

    async def oldest_unpublished(self, stream: str) -> timedelta:
        """Tell how long the oldest event of a stream has waited; zero when none does."""
        found = await self._connection.execute(
            select(func.extract("epoch", func.now() - func.min(outbox.c.occurred_at))).where(
                outbox.c.published_at.is_(None), outbox.c.stream == stream
            )
        )
        return timedelta(seconds=float(found.scalar_one() or 0))

    async def backlog(self) -> Backlog:
        """Count what waits, and since when the oldest does."""
        age = func.extract("epoch", func.now() - func.min(outbox.c.occurred_at))
        found = await self._connection.execute(
            select(func.count(), func.coalesce(age, 0)).where(outbox.c.published_at.is_(None))
        )
        rows, oldest = found.one()
        return Backlog(rows=rows, oldest_seconds=max(0.0, float(oldest)))
