"""What is kept for how long. Postgres's clock judges, in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, literal

from auth_service.model.users import Status
from auth_service.storage.leftovers import Leftover
from auth_service.storage.tables import (
    audit_events,
    budgets,
    challenges,
    devices,
    outbox,
    sessions,
    users,
)

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepTimes:
    """How long what has served its purpose stays.

    Challenges, published events and counted failures stay a day: for whoever looks into what happened, and
    for a relay that compares them with what Redis has. An event that is not published yet always stays.
    """

    session_idle: timedelta
    audit: timedelta
    challenges: timedelta = DAY
    outbox: timedelta = DAY
    budgets: timedelta = DAY
    devices: timedelta = timedelta(days=400)
    newcomers: timedelta = timedelta(days=7)


def leftovers(keep: KeepTimes) -> Mapping[str, Leftover]:
    """Tell, under a name for each, which rows are over."""
    return {
        # A challenge that is spent expires soon after: its end is the time that counts for both.
        "challenges": Leftover(
            table=challenges,
            since=challenges.c.expires_at,
            over=_longer_ago(challenges.c.expires_at, keep.challenges),
        ),
        "sessions_expired": Leftover(
            table=sessions, since=sessions.c.expires_at, over=sessions.c.expires_at <= func.now()
        ),
        "sessions_idle": Leftover(
            table=sessions,
            since=sessions.c.last_seen_at,
            over=_longer_ago(sessions.c.last_seen_at, keep.session_idle),
        ),
        "outbox": Leftover(
            table=outbox,
            since=outbox.c.published_at,
            over=and_(outbox.c.published_at.is_not(None), _longer_ago(outbox.c.published_at, keep.outbox)),
        ),
        "audit_events": Leftover(
            table=audit_events,
            since=audit_events.c.occurred_at,
            over=_longer_ago(audit_events.c.occurred_at, keep.audit),
        ),
        "budgets": Leftover(
            table=budgets, since=budgets.c.since, over=_longer_ago(budgets.c.since, keep.budgets)
        ),
        "devices": Leftover(
            table=devices,
            since=devices.c.last_seen_at,
            over=_longer_ago(devices.c.last_seen_at, keep.devices),
        ),
        # They never proved the address: someone else may have typed it.
        "users": Leftover(
            table=users,
            since=users.c.created_at,
            over=and_(
                users.c.status == Status.UNVERIFIED.value,
                _longer_ago(users.c.created_at, keep.newcomers),
                ~exists().where(
                    challenges.c.user_id == users.c.id,
                    challenges.c.closed_at.is_(None),
                    challenges.c.expires_at > func.now(),
                ),
            ),
        ),
    }


def _longer_ago(time: ColumnElement[object], ago: timedelta) -> ColumnElement[bool]:
    return time <= func.now() - literal(ago)
