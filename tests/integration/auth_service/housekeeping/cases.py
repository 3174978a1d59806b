"""Which rows are over, and which are not: a case for each kind, with rows as old as they may just be."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from auth_service.storage.tables import audit_events, budgets, challenges, devices, outbox, sessions, users
from tests.integration.auth_service.housekeeping.house import DAY, HOUR, SECOND, House

Put = Callable[[House], Awaitable[Any]]


@dataclass(frozen=True)
class Case:
    """A kind of rows: some that are over, and some that are not."""

    table: Table
    over: Sequence[Put]
    kept: Sequence[Put]


async def _asked(house: House, *, expired: timedelta, closed: timedelta | None = None) -> UUID:
    """Put someone of long ago who never proved their address, and a challenge for them."""
    user_id = await house.user(age=8 * DAY, status="unverified")
    await house.challenge(user_id=user_id, expired=expired, closed=closed)
    return user_id


CASES: Mapping[str, Case] = {
    "challenges": Case(
        challenges,
        over=[
            lambda house: house.challenge(expired=DAY + HOUR),
            lambda house: house.challenge(expired=DAY + HOUR, closed=DAY + 2 * HOUR),
        ],
        kept=[
            lambda house: house.challenge(expired=DAY - HOUR),
            lambda house: house.challenge(expired=DAY - HOUR, closed=DAY - HOUR),
            lambda house: house.challenge(expired=-HOUR),
        ],
    ),
    "sessions": Case(
        sessions,
        over=[
            lambda house: house.session(expired=SECOND),
            lambda house: house.session(idle=7 * DAY + SECOND),
            lambda house: house.session(expired=HOUR, idle=8 * DAY),
        ],
        kept=[
            lambda house: house.session(),
            lambda house: house.session(expired=-HOUR, idle=7 * DAY - HOUR),
        ],
    ),
    "outbox": Case(
        outbox,
        over=[lambda house: house.event(age=2 * DAY, published=DAY + SECOND)],
        kept=[
            lambda house: house.event(age=2 * DAY, published=DAY - HOUR),
            lambda house: house.event(age=400 * DAY, published=None),
        ],
    ),
    "audit_events": Case(
        audit_events,
        over=[lambda house: house.note(age=365 * DAY + SECOND)],
        kept=[lambda house: house.note(age=365 * DAY - HOUR)],
    ),
    "budgets": Case(
        budgets,
        over=[lambda house: house.budget(age=DAY + SECOND)],
        kept=[lambda house: house.budget(age=DAY - HOUR)],
    ),
    "devices": Case(
        devices,
        over=[lambda house: house.device(unseen=400 * DAY + SECOND)],
        kept=[lambda house: house.device(unseen=400 * DAY - HOUR)],
    ),
    "users": Case(
        users,
        over=[
            lambda house: house.user(age=7 * DAY + SECOND, status="unverified"),
            lambda house: _asked(house, expired=HOUR),
            lambda house: _asked(house, expired=-HOUR, closed=HOUR),
        ],
        kept=[
            lambda house: house.user(age=7 * DAY - HOUR, status="unverified"),
            lambda house: _asked(house, expired=-HOUR),
            *(
                lambda house, status=status: house.user(age=800 * DAY, status=status)
                for status in ("invited", "pending", "active", "rejected", "suspended")
            ),
        ],
    ),
}
