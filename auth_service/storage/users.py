"""Rows of users."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.users import Role, Status, User, UserUnknown
from auth_service.storage.tables import users
from auth_service.storage.touched import Touched
from contracts.identifiers import new_id

_COLUMNS: Final = tuple(field.name for field in fields(User))
DEFAULT_LOCALE: Final = "en"

_DECIDERS: Final = users.alias("deciders")
_ADMINISTERS: Final = and_(users.c.role == Role.ADMIN.value, users.c.status == Status.ACTIVE.value)


class UserChanged(Exception):
    """Another transaction saved this user first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUser:
    """A user as lists show them: with what whoever decided about them last is called now."""

    user: User
    decided_by_name: str | None


class Users:
    """The users, within one transaction."""

    def __init__(self, connection: AsyncConnection, *, touched: Touched) -> None:
        self._connection = connection
        self._touched = touched

    async def find(self, email: str) -> User | None:
        """Find who has this address."""
        found = await self._connection.execute(select(users).where(users.c.email == email))
        row = found.mappings().one_or_none()
        return None if row is None else user_of(row)

    async def find_or_add(self, email: str) -> User:
        """Find who has this address, or add them unverified and nameless; one statement either way."""
        self._touched.lists = True  # known or not: what is done for both is alike
        added = await self._connection.execute(newcomer(email).returning(users))
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
        self._touched.user(user.id)
        saved = await self._connection.execute(
            update(users)
            .where(users.c.id == user.id, users.c.version == user.version - 1)
            .values(
                email=user.email,
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

    async def move(self, user: User) -> Sequence[UUID] | None:
        """Write a transition to another address; None, and nothing written, where somebody has that address.

        Whoever registered with it and never proved it had no claim, and is removed; gives who that was.
        """
        squatter = (
            delete(users)
            .where(
                users.c.email == user.email, users.c.status == Status.UNVERIFIED.value, users.c.id != user.id
            )
            .returning(users.c.id)
        )
        self._touched.lists = True
        try:
            async with self._connection.begin_nested():
                removed = (await self._connection.execute(squatter)).scalars().all()
                await self.save(user)
        except IntegrityError:  # the address is unique
            return None
        return removed

    async def lock(self, user_ids: AbstractSet[UUID], *, with_administrators: bool) -> Mapping[UUID, User]:
        """Lock these users until this transaction ends, by the order of their ids; gives those there are.

        With them, if so asked, everyone who may decide about others. Whoever waits for a row sees it as it is
        then: one who was deposed meanwhile is not among them.
        """
        wanted = users.c.id.in_(user_ids)
        found = await self._connection.execute(
            select(users)
            .where(or_(wanted, _ADMINISTERS) if with_administrators else wanted)
            .order_by(users.c.id)
            .with_for_update()
        )
        return {row[users.c.id]: user_of(row) for row in found.mappings()}

    async def delete(self, user_id: UUID) -> None:
        """Remove someone, and with them their sessions and devices."""
        self._touched.user(user_id)
        await self._connection.execute(delete(users).where(users.c.id == user_id))

    async def administrators(self) -> Sequence[User]:
        """List everyone who may decide about others."""
        found = await self._connection.execute(select(users).where(_ADMINISTERS).order_by(users.c.id))
        return [user_of(row) for row in found.mappings()]

    async def name_of(self, user_id: UUID | None) -> str | None:
        """Tell what someone is called; None for nobody, or who is gone."""
        if user_id is None:
            return None
        found = await self._connection.execute(select(users.c.name).where(users.c.id == user_id))
        return found.scalar_one_or_none()

    async def page(
        self,
        *,
        statuses: Collection[Status],
        role: Role | None,
        containing: str | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[ListedUser]:
        """List users, newest first, those made before the user `before`; one statement.

        Without `statuses`, whatever theirs is.
        """
        query = (
            select(users, _DECIDERS.c.name.label("decided_by_name"))
            .join(_DECIDERS, _DECIDERS.c.id == users.c.decided_by, isouter=True)
            .order_by(users.c.id.desc())
            .limit(limit)
        )
        if statuses:
            query = query.where(users.c.status.in_(sorted(status.value for status in statuses)))
        if role is not None:
            query = query.where(users.c.role == role.value)
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
        return [
            ListedUser(user=user_of(row), decided_by_name=row["decided_by_name"]) for row in found.mappings()
        ]


def newcomer(email: str) -> Insert:
    """Write the statement that adds someone unverified and nameless, or locks whoever has the address.

    In the latter case it changes nothing; it gives the row back all the same, and costs what an insert does.
    """
    added = insert(users).values(
        id=new_id(),
        email=email,
        name="",
        locale=DEFAULT_LOCALE,
        role=Role.MEMBER.value,
        status=Status.UNVERIFIED.value,
        version=1,
    )
    return added.on_conflict_do_update(index_elements=[users.c.email], set_={"email": added.excluded.email})


def user_of(row: RowMapping) -> User:
    """Read a user from a row that has the columns of `users`, perhaps among others."""
    found = {name: row[users.c[name]] for name in _COLUMNS}
    return User(**found | {"role": Role(found["role"]), "status": Status(found["status"])})
