"""People who are signed in already: the arrangement of tests that begin where signing in has ended."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from auth_service.model.audit import Action
from auth_service.model.callers import Caller
from auth_service.model.sessions import Session
from auth_service.model.tokens import new_token, token_hash
from auth_service.model.users import Role, User
from auth_service.storage.database import Database
from auth_service.storage.tables import audit_events, sessions, users

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
AT_HOME = Caller(client_address="203.0.113.7", user_agent=FIREFOX)
LIFE = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Present:
    """Someone, their session, and the tokens that open it."""

    user: User
    session: Session
    token: str
    access: str

    @property
    def bearer(self) -> dict[str, str]:
        """Write the header by which a program shows its token."""
        return {"Authorization": f"Bearer {self.token}"}


async def present(
    database: Database, email: str = "ada@example.org", *, name: str = "Ada", role: Role = Role.MEMBER
) -> Present:
    """Sign someone in, made active first where they are not; each call is another session."""
    token, access = new_token(), new_token()
    async with database.unit(caller=AT_HOME) as unit:
        user = await unit.users.find_or_add(email)
        if user.name != name or user.role is not role:
            await unit.users.save(user.promoted(name=name))
            user = await unit.users.get_locked(user.id)
            if role is not user.role:
                await unit.users.save(user.changed(role=role))
                user = await unit.users.get_locked(user.id)
        session = await unit.sessions.add(
            user_id=user.id,
            token_hash=token_hash(token),
            access_hash=token_hash(access),
            method="otp",
            caller=unit.caller,
            life=LIFE,
        )
    return Present(user=user, session=session, token=token, access=access)


async def age(database: Database, session_id: UUID, **columns: timedelta) -> None:
    """Move times of a session into the past, as if so long had gone by."""
    moved = {name: func.now() - ago for name, ago in columns.items()}
    async with database.engine.begin() as connection:
        await connection.execute(update(sessions).where(sessions.c.id == session_id).values(moved))


async def set_status(database: Database, user_id: UUID, status: str) -> None:
    """Have an account stand elsewhere, whatever led there."""
    async with database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == user_id).values(status=status))


async def audited(database: Database, action: Action) -> list[dict[str, object]]:
    """Read the details of all entries of one kind, oldest first, with who did it to whom and from where."""
    async with database.engine.connect() as connection:
        found = await connection.execute(
            select(audit_events).where(audit_events.c.action == action.value).order_by(audit_events.c.id)
        )
        return [
            dict(row["details"])
            | {
                "actor": row["actor_id"],
                "subject": row["subject_id"],
                "client_address": row["client_address"],
            }
            for row in found.mappings()
        ]
