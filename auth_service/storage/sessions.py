"""Rows of sessions."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, case, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.callers import Caller
from auth_service.model.sessions import Session, touch_every
from auth_service.model.users import Status, User
from auth_service.storage.tables import sessions, users
from auth_service.storage.touched import Touched
from auth_service.storage.users import user_of
from contracts.identifiers import new_id

_COLUMNS: Final = tuple(field.name for field in fields(Session))


@dataclass(frozen=True, slots=True)
class Found:
    """A session that stands, whose it is, and whether its last sight is old enough to write anew.

    `holds` is how long all this stays so by itself, once a stale last sight is written anew.
    """

    session: Session
    user: User
    stale: bool
    holds: timedelta


class Sessions:
    """The sessions, within one transaction."""

    def __init__(self, connection: AsyncConnection, *, touched: Touched) -> None:
        self._connection = connection
        self._touched = touched

    async def add(
        self,
        *,
        user_id: UUID,
        token_hash: bytes,
        access_hash: bytes | None,
        method: str,
        caller: Caller,
        life: timedelta,
    ) -> Session:
        """Begin a session that ends `life` from Postgres's now at the latest."""
        added = await self._connection.execute(
            insert(sessions)
            .values(
                id=new_id(),
                user_id=user_id,
                token_hash=token_hash,
                access_hash=access_hash,
                method=method,
                device=caller.device,
                client_address=caller.client_address,
                expires_at=func.now() + literal(life),
            )
            .returning(sessions)
        )
        return _session_of(added.mappings().one())

    async def find(self, token_hash: bytes, *, idle: timedelta) -> Found | None:
        """Find a session that has neither ended nor idled out, of a user who is active."""
        return await self._find(sessions.c.token_hash == token_hash, idle=idle)

    async def find_by_access(self, access_hash: bytes, *, idle: timedelta) -> Found | None:
        """Find such a session by its token for protected applications, which is good for nothing else."""
        return await self._find(sessions.c.access_hash == access_hash, idle=idle)

    async def user_of(self, token_hash: bytes) -> UUID | None:
        """Tell whose session a token opens, ended or not; None where there is none, or no more."""
        return await self._user_of(sessions.c.token_hash == token_hash)

    async def user_of_access(self, access_hash: bytes) -> UUID | None:
        """Tell the same of a token for protected applications."""
        return await self._user_of(sessions.c.access_hash == access_hash)

    async def standing_of(self, user_id: UUID, *, idle: timedelta, limit: int) -> Sequence[Session]:
        """List the sessions of someone that still stand, newest first."""
        found = await self._connection.execute(
            select(sessions)
            .where(sessions.c.user_id == user_id, _stands(idle))
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
            .limit(limit)
        )
        return [_session_of(row) for row in found.mappings()]

    async def touch(self, session_id: UUID) -> None:
        """Note that a session is in use."""
        await self._connection.execute(
            update(sessions).where(sessions.c.id == session_id).values(last_seen_at=func.now())
        )

    async def hold(self, session_id: UUID, *, idle: timedelta) -> bool:
        """Keep a session from being ended until this transaction ends; False where it does not stand."""
        found = await self._connection.execute(
            select(sessions.c.id)
            .where(sessions.c.id == session_id, _stands(idle))
            .with_for_update(read=True, key_share=True)
        )
        return found.scalar_one_or_none() is not None

    async def end(self, session_id: UUID, *, of: UUID, idle: timedelta) -> bool:
        """End one session of someone; False where they have none with this id that still stands."""
        self._touched.users.add(of)
        ended = await self._connection.execute(
            delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == of, _stands(idle))
        )
        return ended.rowcount == 1

    async def end_others(self, session_id: UUID, *, of: UUID, idle: timedelta) -> Sequence[UUID]:
        """End every session of someone but one; tell which of them still stood."""
        self._touched.users.add(of)
        ended = await self._connection.execute(
            delete(sessions)
            .where(sessions.c.user_id == of, sessions.c.id != session_id)
            .returning(sessions.c.id, _stands(idle).label("stood"))
        )
        return [row.id for row in ended if row.stood]

    async def end_oldest(self, *, of: UUID, keeping: int, idle: timedelta) -> Sequence[UUID]:
        """End someone's sessions but for the newest; tell which of the others still stood."""
        self._touched.users.add(of)
        older = (
            select(sessions.c.id)
            .where(sessions.c.user_id == of)
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
            .offset(keeping)
        )
        ended = await self._connection.execute(
            delete(sessions)
            .where(sessions.c.id.in_(older))
            .returning(sessions.c.id, _stands(idle).label("stood"))
        )
        return [row.id for row in ended if row.stood]

    async def end_all_of(self, user_id: UUID) -> Sequence[UUID]:
        """End every session of someone; tell which they were."""
        self._touched.users.add(user_id)
        ended = await self._connection.execute(
            delete(sessions).where(sessions.c.user_id == user_id).returning(sessions.c.id)
        )
        return ended.scalars().all()

    async def _user_of(self, named: ColumnElement[bool]) -> UUID | None:
        found = await self._connection.execute(select(sessions.c.user_id).where(named))
        return found.scalar_one_or_none()

    async def _find(self, named: ColumnElement[bool], *, idle: timedelta) -> Found | None:
        every = touch_every(idle=idle)
        stale = sessions.c.last_seen_at < func.now() - literal(every)
        seen = case((stale, func.now()), else_=sessions.c.last_seen_at)
        holds = func.least(sessions.c.expires_at, seen + literal(every)) - func.now()
        found = await self._connection.execute(
            select(sessions, users, stale.label("stale"), holds.label("holds"))
            .join(users, users.c.id == sessions.c.user_id)
            .where(named, _stands(idle), users.c.status == Status.ACTIVE.value)
        )
        row = found.mappings().one_or_none()
        if row is None:
            return None
        return Found(session=_session_of(row), user=user_of(row), stale=row["stale"], holds=row["holds"])


def _stands(idle: timedelta) -> ColumnElement[bool]:
    """Hold for sessions that have neither ended nor idled out, by Postgres's now."""
    return and_(sessions.c.expires_at > func.now(), sessions.c.last_seen_at > func.now() - literal(idle))


def _session_of(row: RowMapping) -> Session:
    return Session(**{name: row[sessions.c[name]] for name in _COLUMNS})
