"""Who is known to an account, looked up by itself, before anything is counted or written."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.storage.tables import challenges, devices, users


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingAgain:
    """A challenge whose mail is asked for once more: for which address, and whether by a device it knows.

    `mover_id` is the account that asked, where it is about a change of address.
    """

    address_hash: bytes
    mover_id: UUID | None
    known: bool
    too_soon: bool


class Acquaintances:
    """The devices that accounts know, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def knows(self, device_hash: bytes, *, email: str) -> bool:
        """Tell whether someone has signed in at `email` on this device."""
        found = await self._connection.execute(
            select(devices.c.token_hash)
            .join(users, users.c.id == devices.c.user_id)
            .where(users.c.email == email, devices.c.token_hash == device_hash)
        )
        return found.first() is not None

    async def asking_again(
        self, challenge_id: UUID, *, binding_hash: bytes, device_hash: bytes, cooldown: timedelta
    ) -> AskingAgain | None:
        """Look at a challenge from where it was asked for; None where there is none."""
        known = and_(devices.c.user_id == challenges.c.user_id, devices.c.token_hash == device_hash)
        found = await self._connection.execute(
            select(
                challenges.c.address_hash,
                case((challenges.c.purpose == "address_change", challenges.c.user_id)).label("mover_id"),
                devices.c.token_hash.is_not(None).label("known"),
                (challenges.c.mailed_at + literal(cooldown) > func.now()).label("too_soon"),
            )
            .outerjoin(devices, known)
            .where(challenges.c.id == challenge_id, challenges.c.binding_hash == binding_hash)
        )
        row = found.mappings().one_or_none()
        return None if row is None else AskingAgain(**row)
