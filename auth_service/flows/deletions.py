"""The end of an account, by its owner or by an administrator."""

from uuid import UUID

from auth_service.flows.administrators import lock_dispensable
from auth_service.flows.notices import recipient, tell
from auth_service.flows.revocations import revoke_all
from auth_service.model.audit import Action
from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from contracts.events import AccountDeleted
from contracts.facts import AccountDeletedData
from contracts.sealing import Contents, Sealer


async def delete_account(user_id: UUID, *, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Remove someone with all that is theirs, and tell them; gives them as they were last.

    Their sessions, devices, challenges and links go too; what the audit trail holds of them stays, under an
    id that leads to nobody any more. Who never proved the address is not written to. Raises `UserUnknown` or
    `LastAdministrator`.
    """
    # Challenges before their user, as who answers one locks them: neither waits for the other for ever.
    await unit.challenges.delete_all_of(user_id)
    user = await lock_dispensable(user_id, unit=unit)
    await revoke_all(user, reason="deleted", by=by, unit=unit, sealer=sealer)
    await unit.users.delete(user.id)
    told = () if user.status is Status.UNVERIFIED else (recipient(user),)
    await tell(
        AccountDeleted,
        about=user,
        box=Contents(recipients=told),
        facts=lambda sealed: AccountDeletedData(
            locale=user.locale, recipients=len(told), sealed=sealed, user_id=user.id, deleted_by=by
        ),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(
        Action.DELETED,
        actor=by,
        subject=user.id,
        details={"status": user.status.value, "role": user.role.value},
    )
    return user
