"""What administrators look at: who is there, and what was done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_service.model.audit import Action
from auth_service.model.users import Role, Status
from auth_service.storage.audit import AuditEntry
from auth_service.storage.unit import UnitOfWork
from auth_service.storage.users import ListedUser


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some users, newest first, and where the next page begins."""

    users: Sequence[ListedUser]
    next_before: UUID | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some of the audit trail, newest first, and where the next page begins."""

    entries: Sequence[AuditEntry]
    next_before: UUID | None


async def list_users(
    *,
    statuses: Collection[Status],
    role: Role | None,
    containing: str | None,
    before: UUID | None,
    limit: int,
    unit: UnitOfWork,
) -> UserPage:
    """List up to `limit` users, those made before the user `before`; without `statuses`, of any."""
    found = await unit.users.page(
        statuses=statuses, role=role, containing=containing, before=before, limit=limit + 1
    )
    more = len(found) > limit
    return UserPage(users=found[:limit], next_before=found[limit - 1].user.id if more else None)


async def list_audit_events(
    *, about: UUID | None, action: Action | None, before: UUID | None, limit: int, unit: UnitOfWork
) -> AuditPage:
    """List up to `limit` entries of the audit trail before the entry `before`: done by `about` or to them."""
    found = await unit.audit.page(about=about, action=action, before=before, limit=limit + 1)
    more = len(found) > limit
    return AuditPage(entries=found[:limit], next_before=found[limit - 1].event.id if more else None)
