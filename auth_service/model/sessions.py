"""A session: one browser or program that is signed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

TOUCH_EVERY_MAX: Final = timedelta(minutes=15)
"""How exactly `last_seen_at` is kept: a write for each request would cost more than it tells."""

TOUCHES_PER_IDLE: Final = 4
"""How often it is written, at least, within the time after which an unused session ends."""


def touch_every(*, idle: timedelta) -> timedelta:
    """Tell after what time use is noted again, so that what is used in time never ends by idling."""
    return min(TOUCH_EVERY_MAX, idle / TOUCHES_PER_IDLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A row of a session. Its token is known to its holder alone."""

    id: UUID
    user_id: UUID
    method: str
    device: str
    client_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
