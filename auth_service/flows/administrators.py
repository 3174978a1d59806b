"""Those who decide about others: how one is made, and that one always remains."""

from uuid import UUID

from auth_service.flows.acting import lock_for_deed
from auth_service.flows.notices import recipient, tell
from auth_service.model.audit import Action
from auth_service.model.users import LastAdministrator, Status, User, UserUnknown
from auth_service.storage.unit import UnitOfWork
from contracts.events import AccountReinstated
from contracts.facts import AccountReinstatedData
from contracts.sealing import Contents, Sealer


async def appoint(email: str, *, unit: UnitOfWork, sealer: Sealer) -> User | None:
    """Make an administrator of whoever the settings name, the first time they do; None at any other.

    Whatever was decided since stands: they may have been demoted or deleted, or have moved elsewhere.
    """
    if not await unit.appointments.note(email):
        return None
    return await create_admin(email, name=None, unit=unit, sealer=sealer)


async def create_admin(email: str, *, name: str | None, unit: UnitOfWork, sealer: Sealer) -> User:
    """Make an active administrator of whoever has this address, known or not; again is nothing new.

    Someone who was shut out is told that they are in again, by mail.
    """
    user = await unit.users.find_or_add(email)
    if user.is_administrator and name in {None, user.name}:
        return user
    made = user.promoted(name=name)
    await unit.users.save(made)
    await unit.audit.append(
        Action.ADMINISTRATOR_MADE,
        actor=None,
        subject=made.id,
        details={"status_before": user.status.value, "role_before": user.role.value},
    )
    if user.status is Status.SUSPENDED:
        await tell(
            AccountReinstated,
            about=made,
            box=Contents(recipients=(recipient(made),)),
            # The operator has no account by which to be named here; the reinstated one stands for it.
            facts=lambda sealed: AccountReinstatedData(
                locale=made.locale, sealed=sealed, user_id=made.id, reinstated_by=made.id
            ),
            unit=unit,
            sealer=sealer,
        )
    return made


async def lock_dispensable(user_id: UUID, *, unit: UnitOfWork) -> User:
    """Lock someone who is about to lose their say. Raises `LastAdministrator` where nobody else has one.

    All administrators are locked with them: of two who depose each other at once, one comes second and finds
    themselves the last, or no administrator any more. Raises `UserUnknown`.
    """
    locked = await lock_for_deed(user_id, unit=unit, with_administrators=True)
    if user_id not in locked:
        raise UserUnknown
    user = locked[user_id]
    if user.is_administrator and not any(
        other.is_administrator for other in locked.values() if other != user
    ):
        raise LastAdministrator
    return user
