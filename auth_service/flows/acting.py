"""Rights hold until the deed is done: whoever does it is locked with whom it is about, and looked at again.

A request is let in by what it finds when it comes; until its own transaction begins, another may have
suspended, demoted or signed out whoever asks. From here on that waits until the deed has committed.
"""

from collections.abc import Mapping
from uuid import UUID

from auth_service.model.actors import Actor, NoAdministrator, NoLongerSignedIn
from auth_service.model.users import Status, User, UserUnknown
from auth_service.storage.unit import UnitOfWork


async def lock_for_deed(
    *subjects: UUID, unit: UnitOfWork, with_administrators: bool = False
) -> Mapping[UUID, User]:
    """Lock whom a deed is about, the unit's actor and, if need be, all administrators; then judge the actor.

    One statement locks them all in the order of their ids, so that of any number of deeds at once none waits
    for another for ever. A deed that locks challenges does so before. Raises `NoLongerSignedIn` or
    `NoAdministrator`; a unit without an actor is the service's own, or its command line's.
    """
    actor = unit.actor
    wanted = {*subjects} if actor is None else {*subjects, actor.user_id}
    locked = await unit.users.lock(wanted, with_administrators=with_administrators)
    if actor is not None:
        await _judge(actor, locked.get(actor.user_id), unit=unit)
    return locked


async def lock_subject(user_id: UUID, *, unit: UnitOfWork) -> User:
    """Lock whom a deed is about, as above. Raises `UserUnknown`, too."""
    locked = await lock_for_deed(user_id, unit=unit)
    if user_id not in locked:
        raise UserUnknown
    return locked[user_id]


async def _judge(actor: Actor, user: User | None, *, unit: UnitOfWork) -> None:
    if user is None or user.status is not Status.ACTIVE:
        raise NoLongerSignedIn(actor.user_id)
    if not await unit.sessions.hold(actor.session_id, idle=actor.session_idle):
        raise NoLongerSignedIn(actor.user_id)
    if actor.administering and not user.is_administrator:
        raise NoAdministrator(actor.user_id)
