"""Signing out: here, elsewhere, or everywhere else; by whoever the sessions belong to."""

from uuid import UUID

from auth_service.flows.acting import lock_for_deed
from auth_service.flows.presence import current_session
from auth_service.flows.revocations import Reason, tell_revoked
from auth_service.model.rules import LoginRules
from auth_service.model.sessions import Session
from auth_service.model.users import User
from auth_service.storage.sessions import Found
from auth_service.storage.unit import UnitOfWork
from contracts.sealing import Sealer


async def sign_out(token: str | None, *, unit: UnitOfWork, rules: LoginRules, sealer: Sealer) -> Found | None:
    """End the session of `token` everywhere at once; gives what it was, None when there was none."""
    found = await current_session(token, unit=unit, rules=rules)
    if found is None or not await unit.sessions.end(
        found.session.id, of=found.user.id, idle=rules.session_idle
    ):
        return None
    ended = [found.session.id]
    await tell_revoked(found.user, ended, reason="signed_out", by=found.user.id, unit=unit, sealer=sealer)
    return found


async def end_session(
    session_id: UUID, *, user: User, current: Session, unit: UnitOfWork, rules: LoginRules, sealer: Sealer
) -> bool:
    """End one of someone's sessions everywhere at once; they ask for it in `current`, which it may be.

    False for another person's, one that is over, or none at all: which of them, nobody learns. That it was
    tried is noted; the note must be committed.
    """
    await lock_for_deed(unit=unit)
    if not await unit.sessions.end(session_id, of=user.id, idle=rules.session_idle):
        tried = {"reason": "session_not_found", "session_id": str(session_id)}
        await unit.audit.refuse(user.id, details=tried)
        return False
    reason: Reason = "signed_out" if session_id == current.id else "revoked"
    await tell_revoked(user, [session_id], reason=reason, by=user.id, unit=unit, sealer=sealer)
    return True


async def end_other_sessions(
    user: User,
    *,
    current: Session,
    device: str | None,
    unit: UnitOfWork,
    rules: LoginRules,
    sealer: Sealer,
) -> int:
    """End all sessions of someone but `current`; tell how many there were.

    Their account knows no device any more but `device`, from which they ask: whoever comes again from
    elsewhere comes from a new one, of which they are told.
    """
    await lock_for_deed(unit=unit)
    await unit.devices.forget(user.id, but=device)
    ended = await unit.sessions.end_others(current.id, of=user.id, idle=rules.session_idle)
    if ended:
        await tell_revoked(user, ended, reason="revoked", by=user.id, unit=unit, sealer=sealer)
    return len(ended)
