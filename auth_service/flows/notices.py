"""Facts about an account, sealed for those who are told of them by mail."""

from collections.abc import Callable
from uuid import UUID

from auth_service.model.users import User
from auth_service.storage.unit import UnitOfWork
from contracts.events import AnyEvent
from contracts.facts import EventData
from contracts.identifiers import new_id
from contracts.sealing import Contents, Recipient, Sealer


def recipient(user: User) -> Recipient:
    """Address someone as they are called, in their language."""
    return Recipient(
        address=user.email, name=user.name, locale=user.locale, administrator=user.is_administrator
    )


async def tell(
    event: type[AnyEvent],
    *,
    about: User,
    box: Contents,
    facts: Callable[[str], EventData],
    unit: UnitOfWork,
    sealer: Sealer,
) -> UUID:
    """Append a fact about someone, and give its id; `facts` makes its data around the sealed `box`."""
    event_id = new_id()
    await unit.outbox.append(
        event,
        event_id=event_id,
        data=facts(sealer.seal(box, event_id=event_id)),
        subject=about.id,
        sequence=about.version,
    )
    return event_id
