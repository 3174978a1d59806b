"""Rows of devices: browsers and programs by which accounts know their people again."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal_column, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.tokens import token_hash as hashed
from auth_service.storage.tables import devices


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether a device is new to an account, and whether the account has known another before."""

    new: bool
    others: bool


class Devices:
    """The devices, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def forget(self, user_id: UUID, *, but: str | None) -> None:
        """Have an account know none of its devices any more but one, by its token, if it is one of them.

        Their rows stay, under a hash that no token leads to: the account still knows that it had others, so
        that the next sign-in on any of them is told as one on a new device.
        """
        kept = b"" if but is None else hashed(but)
        await self._connection.execute(
            update(devices)
            .where(devices.c.user_id == user_id, devices.c.token_hash != kept)
            .values(token_hash=func.sha256(devices.c.token_hash))
        )

    async def see(self, token_hash: bytes, *, user_id: UUID) -> Seen:
        """Note that someone signed in on a device. Their own row must be locked: two first times at once."""
        another = devices.alias("another")
        first = insert(devices).values(user_id=user_id, token_hash=token_hash)
        # Postgres leaves xmax at 0 in a row that is inserted, and marks there one that it updates.
        new: ColumnElement[bool] = literal_column("xmax = 0")
        others = exists().where(and_(another.c.user_id == user_id, another.c.token_hash != token_hash))
        seeing = first.on_conflict_do_update(
            index_elements=[devices.c.user_id, devices.c.token_hash], set_={"last_seen_at": func.now()}
        ).returning(new.label("new"), others.label("others"))
        row = (await self._connection.execute(seeing)).mappings().one()
        return Seen(new=row["new"], others=row["others"])
