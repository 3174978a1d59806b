"""Rows of the audit trail: written in the transaction of what they tell, and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.audit import Action, AuditEvent
from auth_service.model.callers import Caller
from auth_service.storage.tables import audit_events, users
from contracts.identifiers import new_id

_COLUMNS: Final = tuple(field.name for field in fields(AuditEvent))
REFUSALS_MAX: Final = 60
REFUSALS_WINDOW: Final = timedelta(hours=1)

_ACTORS: Final = users.alias("actors")
_SUBJECTS: Final = users.alias("subjects")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An entry with what those in it are called now; None for nobody, or who is gone."""

    event: AuditEvent
    actor_name: str | None
    subject_name: str | None


class AuditTrail:
    """The audit trail, within one transaction; `caller` is whence what happens in it was asked for."""

    def __init__(self, connection: AsyncConnection, *, caller: Caller) -> None:
        self._connection = connection
        self._caller = caller

    async def append(
        self,
        action: Action,
        *,
        actor: UUID | None,
        subject: UUID | None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Note what was done, or tried, by whom to whom."""
        row = self._row(action, actor=actor, subject=subject, details=details or {})
        await self._connection.execute(insert(audit_events).values(row))

    async def refuse(self, actor: UUID, *, details: Mapping[str, object]) -> None:
        """Note that someone with an account tried what they may not do; an hour's first 60 tries, no more.

        So nobody fills the trail, nor hides in it what else they did.
        """
        row = self._row(Action.ACCESS_REFUSED, actor=actor, subject=None, details=details)
        noted = (
            select(func.count())
            .select_from(audit_events)
            .where(
                audit_events.c.actor_id == actor,
                audit_events.c.action == Action.ACCESS_REFUSED.value,
                audit_events.c.occurred_at > func.now() - literal(REFUSALS_WINDOW),
            )
            .scalar_subquery()
        )
        values = [literal(value, audit_events.c[name].type) for name, value in row.items()]
        await self._connection.execute(
            insert(audit_events).from_select(list(row), select(*values).where(noted < REFUSALS_MAX))
        )

    def _row(
        self, action: Action, *, actor: UUID | None, subject: UUID | None, details: Mapping[str, object]
    ) -> dict[str, object]:
        return {
            "id": new_id(),
            "action": action.value,
            "actor_id": actor,
            "subject_id": subject,
            "client_address": self._caller.client_address,
            "trace_id": self._caller.trace_id,
            "details": dict(details),
        }

    async def page(
        self, *, about: UUID | None, action: Action | None, before: UUID | None, limit: int
    ) -> Sequence[AuditEntry]:
        """List entries, newest first: those that `about` did or that were done to them; one statement."""
        query = (
            select(audit_events, _ACTORS.c.name.label("actor_name"), _SUBJECTS.c.name.label("subject_name"))
            .join(_ACTORS, _ACTORS.c.id == audit_events.c.actor_id, isouter=True)
            .join(_SUBJECTS, _SUBJECTS.c.id == audit_events.c.subject_id, isouter=True)
            .order_by(audit_events.c.id.desc())
            .limit(limit)
        )
        if about is not None:
            query = query.where(or_(audit_events.c.subject_id == about, audit_events.c.actor_id == about))
        if action is not None:
            query = query.where(audit_events.c.action == action.value)
        if before is not None:
            query = query.where(audit_events.c.id < before)
        found = await self._connection.execute(query)
        return [
            AuditEntry(event=_event_of(row), actor_name=row["actor_name"], subject_name=row["subject_name"])
            for row in found.mappings()
        ]


def _event_of(row: RowMapping) -> AuditEvent:
    noted = {name: row[audit_events.c[name]] for name in _COLUMNS}
    return AuditEvent(**noted | {"action": Action(noted["action"])})
