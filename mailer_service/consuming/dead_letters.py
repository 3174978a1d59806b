"""Dead letters for a person: find them, look at them, send them again, drop them. Boxes stay sealed."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast

from redis.asyncio import Redis

from contracts import codec
from contracts.codec import Undecodable
from contracts.registry import UnknownType, UnknownVersion
from mailer_service.consuming.entries import CRASHES, DEATHS, FIRST, RECIPIENT, REPLAYED, Entry
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions

Page = list[tuple[bytes, dict[bytes, bytes]]]

PARKED_AFTER_DEATHS: Final = 3
PAGE: Final = 500
POST_MORTEM: Final = frozenset(
    {b"reason", b"error", b"attempts", b"last", b"consumer", CRASHES, DEATHS, FIRST, RECIPIENT}
)
"""Fields that burying added; a replayed entry goes without most of them."""


class Replay(StrEnum):
    """What came of sending a letter again."""

    REPLAYED = "replayed"
    EXPIRED = "expired"
    """Its mail is worthless by now; only a forced replay sends it."""
    PARKED = "parked"
    """It has died three times; only a forced replay sends it."""
    GONE = "gone"
    """Somebody else replayed or dropped it meanwhile."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which letters; all of them where nothing is said."""

    ids: frozenset[str] = frozenset()
    reason: str | None = None
    type: str | None = None
    """The event's type, whole or in part: `otp_requested` finds `porter.auth.otp_requested.v1`."""
    older_than: timedelta | None = None
    newer_than: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter as it lies on its stream."""

    stream: str
    entry: Entry

    @property
    def id(self) -> str:
        """Its id on the dead-letter stream."""
        return self.entry.id

    @property
    def deaths(self) -> int:
        """How often this letter has died."""
        return max(self.entry.deaths, 1)

    @property
    def is_parked(self) -> bool:
        """Whether it has died so often that sending it again wants a person's word."""
        return self.deaths >= PARKED_AFTER_DEATHS

    @property
    def died_at(self) -> datetime:
        """When it was buried, by Redis' clock."""
        return _moment(self.entry.text(b"last")) or _moment(self.id.partition("-")[0]) or datetime.now(UTC)

    @property
    def gives_up_at(self) -> datetime | None:
        """When its mail became or becomes worthless; None for never, and for no known event."""
        try:
            return codec.decode(self.entry.fields).gives_up_at()
        except (Undecodable, UnknownType, UnknownVersion):
            return None
        except OverflowError:  # a day after the end of the year 9999
            return None

    def described(self) -> dict[str, Any]:
        """Lay it out for a person or for JSON. The sealed box stays sealed: only its size is told."""
        text = {name.decode(errors="replace"): self.entry.text(name) for name in self.entry.fields}
        facts = {"data": _without_box(text.pop("data", ""))}
        first = _moment(text.get("first", ""))
        times = {"first": first.isoformat() if first else "", "last": self.died_at.isoformat()}
        return {"letter": self.id, "stream": self.stream, "parked": self.is_parked} | text | facts | times


class DeadLetters:
    """One lane's dead letters."""

    def __init__(self, redis: "Redis", *, lane: Lane, transitions: Transitions) -> None:
        self._redis = redis
        self._lane = lane
        self._transitions = transitions

    async def find(self, criteria: Criteria) -> AsyncIterator[Letter]:
        """Go through the letters that fit, oldest first, in pages."""
        now = await self._now()
        start = "-"
        while page := cast("Page", await self._redis.xrange(self._lane.dead, start, "+", count=PAGE)):
            for id_, fields in page:
                letter = Letter(self._lane.name, Entry(self._lane.dead, id_.decode(), fields))
                if _fits(letter, criteria, now):
                    yield letter
            start = f"({page[-1][0].decode()}"

    async def replay(self, letter: Letter, *, forced: bool = False, dry_run: bool = False) -> Replay:
        """Send a letter again: the same event id, its counts anew, marked as replayed.

        An expired or parked letter goes only when `forced`; an expired one is then sent late.
        """
        expiry = letter.gives_up_at
        if not forced and expiry is not None and expiry <= await self._now():
            return Replay.EXPIRED
        if not forced and letter.is_parked:
            return Replay.PARKED
        if dry_run:
            return Replay.REPLAYED
        fields = {name: value for name, value in letter.entry.fields.items() if name not in POST_MORTEM}
        for kept in (DEATHS, FIRST, RECIPIENT):
            if kept in letter.entry.fields:
                fields[kept] = letter.entry.fields[kept]
        fields[REPLAYED] = b"forced" if forced else b"dead"
        moved = await self._transitions.replay(self._lane, letter.id, fields)
        return Replay.REPLAYED if moved else Replay.GONE

    async def drop(self, letters: Sequence[Letter]) -> int:
        """Delete letters for good. Tells how many were still there."""
        return (
            int(await self._redis.xdel(self._lane.dead, *(letter.id for letter in letters))) if letters else 0
        )

    async def _now(self) -> datetime:
        seconds, micros = await self._redis.time()
        return datetime.fromtimestamp(seconds + micros / 1e6, UTC)


def _fits(letter: Letter, criteria: Criteria, now: datetime) -> bool:
    age = now - letter.died_at
    return (
        (not criteria.ids or letter.id in criteria.ids)
        and (criteria.reason is None or letter.entry.text(b"reason") == criteria.reason)
        and (criteria.type is None or criteria.type in letter.entry.text(b"type"))
        and (criteria.older_than is None or age > criteria.older_than)
        and (criteria.newer_than is None or age <= criteria.newer_than)
    )


def _without_box(data: str) -> object:
    try:
        facts = json.loads(data)
    except ValueError:
        return f"(unreadable, {len(data)} characters)"
    if isinstance(facts, dict) and "sealed" in facts:
        facts["sealed"] = f"(sealed, {len(str(facts['sealed']))} characters)"
    return facts


def _moment(milliseconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # no number, or no time that has a year
        return None
