"""Sessions that end before their time: told to consumers, noted in the audit trail, mailed to nobody."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from auth_service.flows.notices import tell
from auth_service.model.audit import Action
from auth_service.model.users import User
from auth_service.storage.unit import UnitOfWork
from contracts.events import SessionsRevoked
from contracts.facts import SessionsRevokedData
from contracts.sealing import Contents, Sealer

Reason = Literal["signed_out", "revoked", "suspended", "deleted", "address_changed"]


async def revoke_all(user: User, *, reason: Reason, by: UUID, unit: UnitOfWork, sealer: Sealer) -> None:
    """End every session of someone; without any there is nothing to tell."""
    ended = await unit.sessions.end_all_of(user.id)
    if ended:
        await tell_revoked(user, ended, reason=reason, by=by, unit=unit, sealer=sealer)


async def tell_revoked(
    user: User, session_ids: Sequence[UUID], *, reason: Reason, by: UUID, unit: UnitOfWork, sealer: Sealer
) -> None:
    """Tell which sessions of someone were ended, and why."""
    action = Action.SIGNED_OUT if reason == "signed_out" else Action.SESSIONS_REVOKED
    await tell(
        SessionsRevoked,
        about=user,
        box=Contents(recipients=()),
        facts=lambda sealed: SessionsRevokedData(
            locale=user.locale,
            recipients=0,
            sealed=sealed,
            user_id=user.id,
            session_ids=tuple(session_ids),
            reason=reason,
        ),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(
        action, actor=by, subject=user.id, details={"reason": reason, "sessions": len(session_ids)}
    )
