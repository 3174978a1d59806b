"""What an operator may ask the ledger: which mails there were, and how each of their tries went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from mailer_service.mailing.database import Database
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.masking import half_masked

PATIENCE: Final = timedelta(seconds=10)
"""With a Postgres that has much to look through, while someone waits at a terminal."""
AGE_MOST: Final = timedelta(days=36500)
"""What Postgres can still count back; nothing on record is that old."""

_COLUMNS: Final = (
    "event_id, position, recipient, event_type, template, stream, state, reason, error, reply, attempts,"
    " unclear, owner, provider, message_id, occurred_at, expires_at, created_at, claimed_at, ended_at"
)

_FIND: Final = text(
    f"""
    SELECT {_COLUMNS}
    FROM mailer.deliveries
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
        AND (CAST(:template AS text) IS NULL OR template = :template)
        AND (CAST(:stream AS text) IS NULL OR stream = :stream)
        AND (CAST(:reason AS text) IS NULL OR reason = :reason)
        AND (
            CAST(:address AS text) IS NULL
            OR lower(translate(recipient, :cased, :folded)) = lower(translate(:address, :cased, :folded))
        )
        AND (CAST(:older_than AS interval) IS NULL OR created_at < now() - CAST(:older_than AS interval))
        AND (CAST(:newer_than AS interval) IS NULL OR created_at >= now() - CAST(:newer_than AS interval))
    ORDER BY created_at DESC, event_id, position
    LIMIT :limit
    """  # noqa: S608 - the names of columns
)

_SHOW: Final = text(
    f"""
    SELECT {_COLUMNS} FROM mailer.deliveries
    WHERE event_id = ANY(CAST(:event_ids AS uuid[]))
    ORDER BY created_at, event_id, position
    """  # noqa: S608 - the names of columns
)

_ATTEMPTS: Final = text(
    """
    SELECT event_id, position, number, owner, provider, state, reason, error, begun_at, ended_at
    FROM mailer.delivery_attempts
    WHERE event_id = ANY(CAST(:event_ids AS uuid[]))
    ORDER BY event_id, position, ended_at
    """
)


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which mails are meant; what is None narrows nothing. Ages count from when a mail was first taken up."""

    state: str | None = None
    template: str | None = None
    stream: str | None = None
    reason: str | None = None
    address: str | None = None
    """However its letters are cased."""
    older_than: timedelta | None = None
    newer_than: timedelta | None = None

    def values(self) -> dict[str, object]:
        """Give them by name."""
        cases = _cases(self.address or "")
        return {
            "state": self.state,
            "template": self.template,
            "stream": self.stream,
            "reason": self.reason,
            "address": self.address,
            "cased": "".join(cases),
            "folded": "".join(cases.values()),
            "older_than": None if self.older_than is None else min(self.older_than, AGE_MOST),
            "newer_than": None if self.newer_than is None else min(self.newer_than, AGE_MOST),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """One mail as the ledger has it."""

    row: Mapping[str, Any]

    def described(self, *, addresses: bool) -> dict[str, Any]:
        """Tell all of it; who it is for only half, unless `addresses` are asked for."""
        recipient = self.row["recipient"]
        shown = recipient if addresses or not recipient else half_masked(recipient)
        return {**self.row, "recipient": shown or None}

    def history(self, attempts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Tell how each try went, the last one included; `attempts` are those noted beside the mail."""
        told = [dict(one) for one in attempts]
        noted = any(one["ended_at"] == self.row["ended_at"] for one in attempts)
        if self.row["state"] == State.WAITING or noted:
            return told
        last = {
            name: self.row[name] for name in ("owner", "provider", "state", "reason", "reply", "ended_at")
        }
        begun = {"number": self.row["attempts"], "begun_at": self.row["claimed_at"]}
        # What an error that is still in the row said of the try before is told there.
        error = self.row["error"] if self.row["state"] in {State.DEAD, State.UNCONFIRMED} else None
        if self.row["state"] in {State.EXPIRED, State.SUPPRESSED}:  # no provider was asked
            last["provider"] = None
        return [*told, {**begun, **last, "error": error}]


class Records:
    """Reads the ledger for an operator. Everything raises `PostgresAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, criteria: Criteria, *, limit: int) -> list[Record]:
        """List mails, newest first."""
        rows = await self._database.rows(_FIND, criteria.values() | {"limit": limit})
        return [Record(_plain(row)) for row in rows]

    async def show(self, event_ids: Sequence[UUID]) -> list[tuple[Record, list[dict[str, Any]]]]:
        """Give all mails of some events, oldest first, each with its history."""
        values = {"event_ids": list(event_ids)}
        records = [Record(_plain(row)) for row in await self._database.rows(_SHOW, values)]
        attempts = {
            key: [_plain(one) for one in theirs]
            for key, theirs in groupby(
                await self._database.rows(_ATTEMPTS, values), key=lambda row: (row.event_id, row.position)
            )
        }
        return [
            (record, record.history(attempts.get((record.row["event_id"], record.row["position"]), [])))
            for record in records
        ]


def _cases(address: str) -> dict[str, str]:
    """Tell of each letter beyond ASCII in an address, however it is cased, what it is folded to.

    What Postgres' own `lower` does to it depends on the database's locale: with C, nothing.
    """
    forms = {form for letter in address for form in (letter, letter.lower(), letter.upper(), letter.title())}
    return {
        form: form.casefold()
        for form in forms
        if not form.isascii() and len(form) == len(form.casefold()) == 1
    }


def _plain(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 - the public name that SQLAlchemy gave it
