"""Those whom the operator's settings name are made administrators when they are first named there."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from auth_service.flows import administrators
from auth_service.model.users import User
from auth_service.outbox.backoff import backoff
from auth_service.storage.database import Database
from auth_service.storage.faults import PostgresAway
from contracts.logs import tell_surprise
from contracts.sealing import Sealer

log = structlog.get_logger()

CAP_SECONDS: Final = 30.0


async def appoint(
    emails: Sequence[str],
    *,
    database: Database,
    sealer: Sealer,
    chance: Callable[[], float] = random.random,
) -> None:
    """Make an active administrator of each whom no start before this has, and try until that is done.

    It waits out Postgres, and surprises too, which it tells. Several processes may do so at once. Nobody is
    demoted by being named no longer, nor made one again who is demoted and still named.
    """
    failures = 0
    while emails:
        try:
            users = [await _appoint_one(email, database=database, sealer=sealer) for email in emails]
        except PostgresAway:
            failures += 1
        except Exception as fault:  # noqa: BLE001 - a service without administrators is worse than one that tries on
            failures += 1
            tell_surprise("appointment_failed", fault, log=log)
        else:
            log.info("administrators_appointed", user_ids=[str(user.id) for user in users if user])
            return
        await asyncio.sleep(backoff(failures, chance=chance(), cap=CAP_SECONDS))


async def _appoint_one(email: str, *, database: Database, sealer: Sealer) -> User | None:
    """Make one of them, in a transaction of its own: none waits for another while it holds a third."""
    async with database.unit() as unit:
        return await administrators.appoint(email, unit=unit, sealer=sealer)
