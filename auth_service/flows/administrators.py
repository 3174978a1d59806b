"""Those who decide about others: how one is made, and that one always remains."""

from uuid import UUID

from auth_service.flows.acting import lock_for_deed
from auth_service.model.audit import Action
from auth_service.model.users import LastAdministrator, User, UserUnknown
from auth_service.storage.unit import UnitOfWork


async def create_admin(email: str, *, name: str | None, unit: UnitOfWork) -> User:
    """Make an active administrator of whoever has this address, known or not; again is nothing new."""
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
