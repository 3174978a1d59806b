"""Rows of the audit trail: written in the transaction of what they tell, and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Final
from uuid import UUID

from sqlalchemy import insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.audit import Action, AuditEvent
from auth_service.model.callers import Caller
from auth_service.storage.tables import audit_events
from contracts.identifiers import new_id

_COLUMNS: Final = tuple(field.name for field in fields(AuditEvent))


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
        await self._connection.execute(
            insert(audit_events).values(
                id=new_id(),
                action=action.value,
                actor_id=actor,
                subject_id=subject,
                client_address=self._caller.client_address,
                trace_id=self._caller.trace_id,
                details=dict(details or {}),
            )
        )

    async def page(
        self, *, about: UUID | None, action: Action | None, before: UUID | None, limit: int
    ) -> Sequence[AuditEvent]:
        """List entries, newest first: those that `about` did or that were done to them."""
        query = select(audit_events).order_by(audit_events.c.id.desc()).limit(limit)
        if about is not None:
            query = query.where(or_(audit_events.c.subject_id == about, audit_events.c.actor_id == about))
        if action is not None:
            query = query.where(audit_events.c.action == action.value)
        if before is not None:
            query = query.where(audit_events.c.id < before)
        found = await self._connection.execute(query)
        return [
            AuditEvent(
                **{name: row[name] for name in _COLUMNS if name != "action"}, action=Action(row["action"])
            )
            for row in found.mappings()
        ]
