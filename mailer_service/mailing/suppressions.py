"""Addresses that mail came back from, and what is not sent to them for it.

A bounce (`replies.BOUNCES`, said to RCPT) puts an address on record. From then on it gets no account mail.
Login mail is still tried, so that one mistaken reply shuts nobody out; if that bounces at least 24 h after
the first one, login mail rests for 24 h and is tried again. A mail that arrives takes the address off the
record, and so do 90 days without a bounce. Mail to administrators, and what an operator replays, goes out
whatever is on record. Postgres judges all of this, in the statements that claim and record a mail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from mailer_service.mailing.database import Database
from mailer_service.mailing.mailbox import AddressUnusable, Mailbox
from mailer_service.mailing.masking import half_masked

SUPPRESSION_RULE: Final[Mapping[str, timedelta]] = {
    # How long after the first bounce a second one says that the first was no mistake.
    "bounces_apart": timedelta(hours=24),
    "login_suppressed_for": timedelta(hours=24),
    # Since the last bounce.
    "suppressed_for": timedelta(days=90),
}


def suppressed_as(address: str) -> str:
    """Write an address as it is on record: case makes no difference, though RFC 5321 would let it."""
    return address.lower()


def typed_address(written: str) -> str:
    """Write an address that a person typed as it is on record, its domain in A-labels."""
    try:
        return suppressed_as(Mailbox.of(written).address)
    except AddressUnusable:
        return suppressed_as(written)


_FIND: Final = text(
    """
    SELECT
        address, bounces, first_bounced_at, last_bounced_at, until,
        CASE WHEN login_until > now() THEN login_until END AS login_until, event_id, provider, error
    FROM mailer.suppressions
    WHERE until > now() AND (CAST(:address AS text) IS NULL OR address = :address)
    ORDER BY last_bounced_at DESC, address
    LIMIT :limit
    """
)

_LIFT: Final = text(
    "DELETE FROM mailer.suppressions WHERE address = :address AND until > now() RETURNING address"
)


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address on record. `login_until` is there while not even login mail is sent."""

    address: str
    bounces: int
    first_bounced_at: datetime
    last_bounced_at: datetime
    until: datetime
    login_until: datetime | None
    event_id: UUID
    provider: str | None
    error: str

    def described(self, *, addresses: bool) -> dict[str, Any]:
        """Tell all of it; the address only half, unless `addresses` are asked for."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return told if addresses else told | {"address": half_masked(self.address)}


class Suppressions:
    """Reads and lifts suppressions for an operator. Everything raises `PostgresAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, *, address: str | None, limit: int) -> Sequence[Suppression]:
        """List them, the latest bounce first; only that of `address`, if one is named."""
        rows = await self._database.rows(_FIND, {"address": address, "limit": limit})
        return [Suppression(**row._mapping) for row in rows]  # noqa: SLF001 - the public name that SQLAlchemy gave it

    async def lift(self, address: str) -> bool:
        """Take an address off the record, as if it had never bounced; tells whether it was there."""
        return await self._database.row(_LIFT, {"address": address}) is not None
