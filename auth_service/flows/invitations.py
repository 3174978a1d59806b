"""People who are let in beforehand: their right code or link is all that they need."""

from auth_service.flows.acting import lock_for_deed
from auth_service.flows.notices import recipient, tell
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status, User
from auth_service.storage.unit import UnitOfWork
from contracts.events import UserInvited
from contracts.facts import UserInvitedData
from contracts.sealing import Invitation, Sealer


async def invite(
    email: str,
    *,
    name: str | None,
    role: Role,
    locale: str | None,
    by: User,
    unit: UnitOfWork,
    sealer: Sealer,
) -> User:
    """Invite whoever reads the mail of `email`, known or not, and tell them so.

    Who is invited or in already is left as they are, and not written to again. Raises `TransitionNotAllowed`
    for those about whom there is something to decide: they wait, or were kept or shut out.
    """
    known = await unit.users.find(email)
    await lock_for_deed(*(() if known is None else (known.id,)), unit=unit)
    user = await unit.users.find_or_add(email)
    if user.status in {Status.INVITED, Status.ACTIVE}:
        return user
    user = user.invited(name=name, locale=locale, role=role, by=by.id, at=await unit.now())
    await unit.users.save(user)
    await tell(
        UserInvited,
        about=user,
        box=Invitation(recipients=(recipient(user),), invited_by=by.name),
        facts=lambda sealed: UserInvitedData(
            locale=user.locale, sealed=sealed, user_id=user.id, invited_by=by.id
        ),
        unit=unit,
        sealer=sealer,
    )
    await unit.audit.append(Action.INVITED, actor=by.id, subject=user.id, details={"role": role.value})
    return user
