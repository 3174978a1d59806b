"""The way events take in earnest: rows that are committed, and relays that publish them."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert

from auth_service.storage.database import Database
from auth_service.storage.tables import outbox
from contracts.events import AnyEvent
from devstack.ports import free_port
from tests.chaos.fleet import Fleet
from tests.chaos.replica import Replica
from tests.support.redis_users import as_user

RELAY = ("-m", "auth_service.cli", "relay")
FINAL = ("sent", "expired", "suppressed", "dead", "unconfirmed")


def add_relay(
    fleet: Fleet,
    *,
    name: str = "relay",
    command: Sequence[str] = RELAY,
    environment: Mapping[str, str] | None = None,
) -> Replica:
    """Describe a process that only relays, not started yet."""
    return fleet.add(
        name=name,
        command=command,
        started=b'"relay_started"',
        environment={
            "REDIS_URL": as_user("auth", fleet.redis_url),
            "AUTH_PEPPERS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AUTH_INTERNAL_PORT": str(free_port()),
            **(environment or {}),
        },
    )


async def commit(fleet: Fleet, events: Sequence[AnyEvent], *, per_second: float | None = None) -> None:
    """Commit each event in a transaction of its own, as a request does."""
    async with _database(fleet) as database:
        for event in events:
            async with database.unit() as unit:
                await unit.outbox.append(
                    type(event),
                    event_id=event.id,
                    data=event.data,
                    subject=UUID(event.subject),
                    sequence=int(event.sequence),
                    expires_at=event.expirytime,
                )
            if per_second is not None:
                await asyncio.sleep(1 / per_second)


async def commit_at_once(fleet: Fleet, events: Sequence[AnyEvent]) -> None:
    """Commit a backlog in one transaction."""
    rows = [
        {
            "id": event.id,
            "stream": event.stream.name,
            "type": event.type,
            "subject": event.subject,
            "sequence": int(event.sequence),
            "expires_at": event.expirytime,
            "data": event.data.model_dump(mode="json"),
        }
        for event in events
    ]
    async with _database(fleet) as database, database.engine.begin() as connection:
        await connection.execute(insert(outbox), rows)


@asynccontextmanager
async def _database(fleet: Fleet) -> AsyncIterator[Database]:
    _, _, rest = fleet.database_url.partition("://")
    database = Database(f"postgresql+asyncpg://{rest}", connections=2, statement_timeout=timedelta(minutes=1))
    try:
        yield database
    finally:
        await database.close()


async def have_ended(fleet: Fleet, mails: int) -> bool:
    """Tell whether so many mails have come to an end that stands."""
    return len(await fleet.ledger.deliveries("state = ANY($1)", FINAL)) == mails
