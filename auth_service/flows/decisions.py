"""What administrators decide about someone, who is told by mail.

A decision repeated changes nothing, mails nothing and is not noted again. One that an account's standing does
not allow raises `TransitionNotAllowed`; one about nobody raises `UserUnknown`.
"""

from collections.abc import Callable
from uuid import UUID

from auth_service.flows.acting import lock_subject
from auth_service.flows.administrators import lock_dispensable
from auth_service.flows.notices import recipient, tell
from auth_service.flows.revocations import revoke_all
from auth_service.model.audit import Action
from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from contracts.events import (
    AccountApproved,
    AccountReinstated,
    AccountRejected,
    AccountSuspended,
    AnyEvent,
)
from contracts.facts import (
    AccountApprovedData,
    AccountReinstatedData,
    AccountRejectedData,
    AccountSuspendedData,
    EventData,
)
from contracts.sealing import Contents, Reasoned, Sealer


async def approve(user_id: UUID, *, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Let in someone who waits, or was rejected."""
    user = await lock_subject(user_id, unit=unit)
    if user.status is Status.ACTIVE:
        return user
    user = user.approved(by=by, at=await unit.now())
    await _settle(
        user,
        Action.APPROVED,
        AccountApproved,
        facts=lambda sealed: AccountApprovedData(
            locale=user.locale, sealed=sealed, user_id=user.id, approved_by=by
        ),
        unit=unit,
        sealer=sealer,
    )
    return user


async def reject(user_id: UUID, *, reason: str | None, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Keep out someone who waits; they read the reason, if there is one."""
    user = await lock_subject(user_id, unit=unit)
    if user.status is Status.REJECTED:
        return user
    user = user.rejected(by=by, at=await unit.now(), reason=reason)
    await _settle(
        user,
        Action.REJECTED,
        AccountRejected,
        facts=lambda sealed: AccountRejectedData(
            locale=user.locale, sealed=sealed, user_id=user.id, rejected_by=by
        ),
        unit=unit,
        sealer=sealer,
    )
    return user


async def suspend(user_id: UUID, *, reason: str | None, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Shut someone out, and end their sessions with it; they read the reason, if there is one.

    Raises `LastAdministrator`.
    """
    user = await lock_dispensable(user_id, unit=unit)
    if user.status is Status.SUSPENDED:
        return user
    user = user.suspended(by=by, at=await unit.now(), reason=reason)
    await _settle(
        user,
        Action.SUSPENDED,
        AccountSuspended,
        facts=lambda sealed: AccountSuspendedData(
            locale=user.locale, sealed=sealed, user_id=user.id, suspended_by=by
        ),
        unit=unit,
        sealer=sealer,
    )
    await unit.devices.forget(user.id, but=None)
    await revoke_all(user, reason="suspended", by=by, unit=unit, sealer=sealer)
    return user


async def reinstate(user_id: UUID, *, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Let in again someone who was shut out; they sign in anew."""
    user = await lock_subject(user_id, unit=unit)
    if user.status is Status.ACTIVE:
        return user
    user = user.reinstated(by=by, at=await unit.now())
    await _settle(
        user,
        Action.REINSTATED,
        AccountReinstated,
        facts=lambda sealed: AccountReinstatedData(
            locale=user.locale, sealed=sealed, user_id=user.id, reinstated_by=by
        ),
        unit=unit,
        sealer=sealer,
    )
    return user


async def _settle(
    user: User,
    action: Action,
    event: type[AnyEvent],
    *,
    facts: Callable[[str], EventData],
    unit: UnitOfWork,
    sealer: Sealer,
) -> None:
    """Save a decision, tell whom it is about, and note who took it. The reason is sealed and not noted."""
    await unit.users.save(user)
    box: Contents = Contents(recipients=(recipient(user),))
    if issubclass(event.contents, Reasoned):
        box = Reasoned(recipients=box.recipients, reason=user.decision_reason)
    await tell(event, about=user, box=box, facts=facts, unit=unit, sealer=sealer)
    await unit.audit.append(action, actor=user.decided_by, subject=user.id)
