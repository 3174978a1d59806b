"""Rows of users."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.users import Role, Status, User, UserUnknown
from auth_service.storage.tables import users
from contracts.identifiers import new_id

_COLUMNS: Final = tuple(field.name for field in fields(User))
DEFAULT_LOCALE: Final = "en"

_ADMINISTERS: Final = and_(users.c.role == Role.ADMIN.value, users.c.status == Status.ACTIVE.value)


class UserChanged(Exception):
    """Another transaction saved this user first."""


class Users:
    """The users, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, email: str) -> User | None:
        """Find who has this address."""
        found = await self._connection.execute(select(users).where(users.c.email == email))
        row = found.mappings().one_or_none()
        return None if row is None else user_of(row)

    async def find_or_add(self, email: str) -> User:
        """Find who has this address, or add them unverified and nameless; one statement either way."""
        newcomer = insert(users).values(
            id=new_id(),
            email=email,
            name="",
            locale=DEFAULT_LOCALE,
            role=Role.MEMBER.value,
            status=Status.UNVERIFIED.value,
            version=1,
        )
        # A write that changes nothing: it gives the row back, locked, and costs what an insert does.
        upsert = newcomer.on_conflict_do_update(
            index_elements=[users.c.email], set_={"email": newcomer.excluded.email}
        )
        added = await self._connection.execute(upsert.returning(users))
        return user_of(added.mappings().one())

    async def get_locked(self, user_id: UUID) -> User:
        """Get a user whom nobody else may change until this transaction ends. Raises `UserUnknown`."""
        found = await self._connection.execute(select(users).where(users.c.id == user_id).with_for_update())
        row = found.mappings().one_or_none()
        if row is None:
            raise UserUnknown
        return user_of(row)

    async def save(self, user: User) -> None:
        """Write a transition's outcome. Raises `UserChanged` unless the row is one version behind."""
        saved = await self._connection.execute(
            update(users)
            .where(users.c.id == user.id, users.c.version == user.version - 1)
            .values(
                name=user.name,
                locale=user.locale,
                role=user.role.value,
                status=user.status.value,
                version=user.version,
                decided_by=user.decided_by,
                decided_at=user.decided_at,
                decision_reason=user.decision_reason,
            )
        )
        if saved.rowcount != 1:
            raise UserChanged

    async def lock_administrators(self) -> Sequence[UUID]:
        """Lock everyone who may decide about others, in one order, until this transaction ends.

        Whoever waits for a row sees it as it is then: one who was deposed meanwhile is not among them.
        """
        found = await self._connection.execute(
            select(users.c.id).where(_ADMINISTERS).order_by(users.c.id).with_for_update()
        )
        return found.scalars().all()

    async def delete(self, user_id: UUID) -> None:
        """Remove someone, and with them their sessions and devices."""
        await self._connection.execute(delete(users).where(users.c.id == user_id))

    async def administrators(self) -> Sequence[User]:
        """List everyone who may decide about others."""
        found = await self._connection.execute(select(users).where(_ADMINISTERS).order_by(users.c.id))
        return [user_of(row) for row in found.mappings()]

    async def page(
        self, *, status: Status | None, containing: str | None, before: UUID | None, limit: int
    ) -> Sequence[User]:
        """List users, newest first, those made before the user `before`."""
        query = select(users).order_by(users.c.id.desc()).limit(limit)
        if status is not None:
            query = query.where(users.c.status == status.value)
        if containing:
            query = query.where(
                or_(
                    users.c.email.icontains(containing, autoescape=True),
                    users.c.name.icontains(containing, autoescape=True),
                )
            )
        if before is not None:
            query = query.where(users.c.id < before)
        found = await self._connection.execute(query)
        return [user_of(row) for row in found.mappings()]


def user_of(row: RowMapping) -> User:
    """Read a user from a row that has the columns of `users`, perhaps among others."""
    found = {name: row[users.c[name]] for name in _COLUMNS}
    return User(**found | {"role": Role(found["role"]), "status": Status(found["status"])})
