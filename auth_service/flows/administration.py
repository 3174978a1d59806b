"""What administrators do: see who is there, let people in, and be made in the first place."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from contracts.events import AccountApproved
from contracts.facts import AccountApprovedData
from contracts.identifiers import new_id
from contracts.sealing import Contents, Recipient, Sealer


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some users, newest first, and where the next page begins."""

    users: Sequence[User]
    next_before: UUID | None


async def list_users(
    *, status: Status | None, containing: str | None, before: UUID | None, limit: int, unit: UnitOfWork
) -> UserPage:
    """List up to `limit` users, those made before the user `before`."""
    found = await unit.users.page(status=status, containing=containing, before=before, limit=limit + 1)
    more = len(found) > limit
    return UserPage(users=found[:limit], next_before=found[limit - 1].id if more else None)


async def approve(user_id: UUID, *, by: UUID, unit: UnitOfWork, sealer: Sealer) -> User:
    """Let someone in and tell them. Whoever is in already stays so, and is not told twice.

    Raises `UserUnknown`, or `TransitionNotAllowed` for those who are unverified or suspended.
    """
    user = await unit.users.get_locked(user_id)
    if user.status is Status.ACTIVE:
        return user
    user = user.approved(by=by, at=await unit.now())
    await unit.users.save(user)
    event_id = new_id()
    recipient = Recipient(address=user.email, name=user.name, locale=user.locale)
    await unit.outbox.append(
        AccountApproved,
        event_id=event_id,
        data=AccountApprovedData(
            locale=user.locale,
            sealed=sealer.seal(Contents(recipients=(recipient,)), event_id=event_id),
            user_id=user.id,
            approved_by=by,
        ),
        subject=user.id,
        sequence=user.version,
    )
    return user
