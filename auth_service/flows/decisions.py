"""What administrators decide about someone, who is told by mail.

A decision repeated changes nothing, mails nothing and is not noted again. One that an account's standing does
not allow raises `TransitionNotAllowed`; one about nobody raises `UserUnknown`.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from auth_service.flows import notices
from auth_service.flows.acting import lock_subject
from auth_service.flows.administrators import lock_dispensable
from auth_service.flows.notices import recipient
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
    return await _decide(
        await lock_subject(user_id, unit=unit),
        Status.ACTIVE,
        lambda user, at: user.approved(by=by, at=at),
        tell=AccountApproved,
        facts=lambda user, sealed: AccountApprovedData(
            locale=user.locale, sealed=sealed, user_id=user.id, approved_by=by
        ),
        note=Action.APPROVED,
        unit=unit,
        sealer=sealer,
    )


async def reject(user_id: UUID, *, reason: str | None, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Keep out someone who waits; they read the reason, if there is one."""
    return await _decide(
        await lock_subject(user_id, unit=unit),
        Status.REJECTED,
        lambda user, at: user.rejected(by=by, at=at, reason=reason),
        tell=AccountRejected,
        facts=lambda user, sealed: AccountRejectedData(
            locale=user.locale, sealed=sealed, user_id=user.id, rejected_by=by
        ),
        note=Action.REJECTED,
        unit=unit,
        sealer=sealer,
    )


async def suspend(user_id: UUID, *, reason: str | None, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Shut someone out, and end their sessions with it; they read the reason, if there is one.

    Raises `LastAdministrator`.
    """
    before = await lock_dispensable(user_id, unit=unit)
    after = await _decide(
        before,
        Status.SUSPENDED,
        lambda user, at: user.suspended(by=by, at=at, reason=reason),
        tell=AccountSuspended,
        facts=lambda user, sealed: AccountSuspendedData(
            locale=user.locale, sealed=sealed, user_id=user.id, suspended_by=by
        ),
        note=Action.SUSPENDED,
        unit=unit,
        sealer=sealer,
    )
    if after != before:
        await unit.devices.forget(after.id, but=None)
        await revoke_all(after, reason="suspended", by=by, unit=unit, sealer=sealer)
    return after


async def reinstate(user_id: UUID, *, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Let in again someone who was shut out; they sign in anew."""
    return await _decide(
        await lock_subject(user_id, unit=unit),
        Status.ACTIVE,
        lambda user, at: user.reinstated(by=by, at=at),
        tell=AccountReinstated,
        facts=lambda user, sealed: AccountReinstatedData(
            locale=user.locale, sealed=sealed, user_id=user.id, reinstated_by=by
        ),
        note=Action.REINSTATED,
        unit=unit,
        sealer=sealer,
    )


async def _decide(
    user: User,
    status: Status,
    transition: Callable[[User, datetime], User],
    *,
    tell: type[AnyEvent],
    facts: Callable[[User, str], EventData],
    note: Action,
    unit: UnitOfWork,
    sealer: Sealer,
) -> User:
    """Have someone stand at `status`, unless they do: save it, tell them, and note who decided it.

    The reason is sealed and not noted.
    """
    if user.status is status:
        return user
    decided = transition(user, await unit.now())
    await unit.users.save(decided)
    box: Contents = Contents(recipients=(recipient(decided),))
    if issubclass(tell.contents, Reasoned):
        box = Reasoned(recipients=box.recipients, reason=decided.decision_reason)
    await notices.tell(tell, about=decided, box=box, facts=partial(facts, decided), unit=unit, sealer=sealer)
    await unit.audit.append(note, actor=decided.decided_by, subject=decided.id)
    return decided
