"""People at any standing, and what is noted and told of them: the arrangement of the tests beside."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, update

from auth_service.model.audit import AuditEvent
from auth_service.model.callers import Caller
from auth_service.model.users import Role, Status, User
from auth_service.storage.tables import users
from contracts.events import AnyEvent
from contracts.identifiers import new_id
from tests.integration.auth_service.door import Door

E = TypeVar("E", bound=AnyEvent)

CALLER = Caller(
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    client_address="203.0.113.7",
    user_agent="curl/8.5.0",
)


async def person(
    door: Door,
    email: str = "ada@example.org",
    *,
    status: Status = Status.ACTIVE,
    role: Role = Role.MEMBER,
    name: str = "Ada",
) -> User:
    """Put someone where a test needs them, whatever way leads there."""
    async with door.database.unit() as unit:
        user = await unit.users.find_or_add(email)
    async with door.database.engine.begin() as connection:
        await connection.execute(
            update(users)
            .where(users.c.id == user.id)
            .values(status=status.value, role=role.value, name=name, locale="de")
        )
    return await seen(door, user.id)


async def seen(door: Door, user_id: UUID) -> User:
    """Look at someone as they are now."""
    async with door.database.unit() as unit:
        return await unit.users.get_locked(user_id)


async def is_gone(door: Door, user_id: UUID) -> bool:
    """Tell whether nobody has this id."""
    async with door.database.engine.connect() as connection:
        return (await connection.execute(select(users).where(users.c.id == user_id))).first() is None


async def sign_in(door: Door, user: User) -> UUID:
    """Begin a session for someone, and give its id."""
    async with door.database.unit(caller=CALLER) as unit:
        session = await unit.sessions.add(
            user_id=user.id,
            token_hash=new_id().bytes * 2,
            access_hash=None,
            method="otp",
            caller=CALLER,
            life=door.rules.session_life,
        )
    return session.id


async def told(door: Door, event: type[E]) -> Sequence[E]:
    """Read the events of one type, oldest first."""
    return [found for found in await door.events() if isinstance(found, event)]


async def noted(door: Door, about: UUID | None = None) -> Sequence[AuditEvent]:
    """Read the audit trail, oldest first: all of it, or what someone did or was done to them."""
    async with door.database.unit() as unit:
        found = await unit.audit.page(about=about, action=None, before=None, limit=1000)
    return [entry.event for entry in reversed(found)]
