"""A house with rows of any age, and its keeping: the arrangement of the tests beside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import ColumnElement, Table, func, insert, literal, select

from auth_service.housekeeping.metrics import HousekeepingMetrics
from auth_service.housekeeping.rounds import BATCH_ROWS, BATCHES_MAX, Housekeeping
from auth_service.housekeeping.rules import KeepTimes, leftovers
from auth_service.storage.database import Database
from auth_service.storage.tables import (
    audit_events,
    budgets,
    challenges,
    devices,
    links,
    outbox,
    sessions,
    users,
)
from contracts.identifiers import new_id

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KEEP = KeepTimes(session_idle=7 * DAY, audit=365 * DAY)


def ago(time: timedelta) -> ColumnElement[datetime]:
    """Write a time before Postgres's now; one to come, where it is negative."""
    return func.now() - literal(time)


@dataclass
class House:
    """Puts rows where time would have put them, and keeps house."""

    database: Database
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.metrics = HousekeepingMetrics(self.registry)

    def keeping(
        self,
        *,
        database: Database | None = None,
        every: timedelta = HOUR,
        batch_rows: int = BATCH_ROWS,
        batches_max: int = BATCHES_MAX,
    ) -> Housekeeping:
        return Housekeeping(
            database=database or self.database,
            leftovers=leftovers(KEEP),
            metrics=self.metrics,
            every=every,
            batch_rows=batch_rows,
            batches_max=batches_max,
        )

    async def put(self, table: Table, *rows: Mapping[str, Any]) -> None:
        async with self.database.engine.begin() as connection:
            for row in rows:
                await connection.execute(insert(table).values(**row))

    async def ids(self, table: Table) -> set[Any]:
        """Read which rows there are, by the first column of their key."""
        key = next(iter(table.primary_key))
        async with self.database.engine.connect() as connection:
            return set((await connection.execute(select(key))).scalars())

    def deleted(self, table: str) -> float | None:
        return self.registry.get_sample_value("auth_housekeeping_deleted_total", {"table": table})

    async def user(self, *, age: timedelta = timedelta(0), status: str = "active") -> UUID:
        user_id = new_id()
        row = {
            "id": user_id,
            "email": f"{user_id}@example.org",
            "name": "",
            "locale": "en",
            "role": "member",
            "status": status,
            "version": 1,
            "created_at": ago(age),
        }
        await self.put(users, row)
        return user_id

    async def challenge(
        self, *, expired: timedelta, closed: timedelta | None = None, user_id: UUID | None = None
    ) -> UUID:
        """Put a challenge that expired so long ago, with a link, closed so long ago if it is."""
        challenge_id = new_id()
        row = {
            "id": challenge_id,
            "user_id": user_id,
            "purpose": "sign_in",
            "method": "otp",
            "binding_hash": b"",
            "code_salt": b"",
            "pepper_id": "",
            "digits": 6,
            "locale": "en",
            "address_hash": b"",
            "budget_hash": b"",
            "budget": 10,
            "expires_at": ago(expired),
            "closed_at": None if closed is None else ago(closed),
        }
        await self.put(challenges, row)
        await self.put(links, {"token_hash": challenge_id.bytes * 2, "challenge_id": challenge_id})
        return challenge_id

    async def session(self, *, expired: timedelta = -DAY, idle: timedelta = timedelta(0)) -> UUID:
        session_id = new_id()
        row = {
            "id": session_id,
            "user_id": await self.user(),
            "token_hash": session_id.bytes * 2,
            "method": "otp",
            "device": "",
            "expires_at": ago(expired),
            "last_seen_at": ago(idle),
        }
        await self.put(sessions, row)
        return session_id

    async def event(self, *, age: timedelta, published: timedelta | None) -> UUID:
        event_id = new_id()
        row = {
            "id": event_id,
            "stream": "login",
            "type": "t",
            "sequence": 0,
            "data": {},
            "occurred_at": ago(age),
            "published_at": None if published is None else ago(published),
        }
        await self.put(outbox, row)
        return event_id

    async def note(self, *, age: timedelta) -> UUID:
        event_id = new_id()
        row = {"id": event_id, "action": "approved", "details": {}, "occurred_at": ago(age)}
        await self.put(audit_events, row)
        return event_id

    async def budget(self, *, age: timedelta) -> bytes:
        key = new_id().bytes * 2
        await self.put(budgets, {"key_hash": key, "spent": 3, "since": ago(age)})
        return key

    async def device(self, *, unseen: timedelta) -> UUID:
        user_id = await self.user()
        row = {"user_id": user_id, "token_hash": b"d" * 32, "last_seen_at": ago(unseen)}
        await self.put(devices, row)
        return user_id
