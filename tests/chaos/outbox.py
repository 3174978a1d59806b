"""The way events take in earnest: rows that are committed, and relays that publish them."""

import asyncio
import base64
import secrets
from collections.abc import Mapping, Sequence
from uuid import UUID

from auth_service.storage.database import Database
from contracts.events import AnyEvent
from devstack.ports import free_port
from tests.chaos.fleet import Fleet
from tests.chaos.replica import Replica

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
            "AUTH_PEPPERS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AUTH_INTERNAL_PORT": str(free_port()),
            **(environment or {}),
        },
    )


async def commit(
    fleet: Fleet, events: Sequence[AnyEvent], *, per_second: float | None = None, at_once: int = 1
) -> None:
    """Commit events, `at_once` in a transaction: one is what a request does, many are a backlog."""
    _, _, rest = fleet.database_url.partition("://")
    database = Database(f"postgresql+asyncpg://{rest}", connections=2)
    try:
        for first in range(0, len(events), at_once):
            async with database.unit() as unit:
                for event in events[first : first + at_once]:
                    await unit.outbox.append(
                        type(event),
                        event_id=event.id,
                        data=event.data,
                        subject=UUID(event.subject),
                        sequence=int(event.sequence),
                        expires_at=event.expirytime,
                    )
            if per_second is not None:
                await asyncio.sleep(at_once / per_second)
    finally:
        await database.close()


async def have_ended(fleet: Fleet, mails: int) -> bool:
    """Tell whether so many mails have come to an end that stands."""
    return len(await fleet.ledger.deliveries("state = ANY($1)", FINAL)) == mails
