"""Settling: what handling an entry came to becomes one move on Redis, last of all.

One outermost FastStream middleware sees every ending, parser errors included, and settles it here.
"""

import asyncio
import itertools
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, assert_never

import structlog
from faststream import BaseMiddleware, ContextRepo, StreamMessage
from redis.exceptions import RedisError

from contracts.codec import Undecodable
from contracts.registry import UnknownType, UnknownVersion
from contracts.sealing import BoxRefused
from mailer_service.consuming import metrics
from mailer_service.consuming.backoff import reconnect_delay
from mailer_service.consuming.cancelling import pause
from mailer_service.consuming.entries import (
    ATTEMPT,
    CRASHES,
    DEATHS,
    FIELDS_MAX,
    FIRST,
    NOTES,
    RECIPIENT,
    Entry,
    InHand,
)
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.messages import Misplaced
from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater, Split
from mailer_service.consuming.transitions import Transitions
from mailer_service.gathering import Gathering

log = structlog.get_logger(__name__)

FINAL = (Undecodable, UnknownType, UnknownVersion, BoxRefused, Misplaced)
"""Named one by one: other errors, such as `ssl.SSLError`, have a `reason` too, and pass."""


ACKS_MOST = 1000
"""Of one script call: Lua unpacks no more than some thousands."""

ACKS_APART = timedelta(milliseconds=20)
"""Nobody waits for an acknowledgement: its mail is on the record, and its slot is free."""


class DeathRegister(Protocol):
    """Where a dead letter is recorded before it is buried, so that its record outlives Redis."""

    async def __call__(self, entry: Entry, letter: DeadLetter) -> None:
        """Put it on the record; repeated until it is, or cancelled."""


class Settler:
    """Settles one lane's entries. `trip` opens the breaker of the part that is away."""

    def __init__(
        self,
        lane: Lane,
        *,
        transitions: Transitions,
        pace: Pace,
        register: DeathRegister,
        trip: Callable[[str, str], None],
        chance: Callable[[], float],
    ) -> None:
        self.lane = lane
        self._transitions = transitions
        self._pace = pace
        self._register = register
        self._trip = trip
        self._chance = chance
        self._acks: dict[str, Gathering[str, None]] = {
            key: Gathering(partial(self._acknowledge, key), most=ACKS_MOST, apart=ACKS_APART)
            for key in lane.read_keys
        }

    async def settle(self, entry: Entry, outcome: Outcome) -> None:
        """Make the move, trying again while Redis is away; a lost entry (not mine any more) is let go."""
        if isinstance(outcome, Outage):
            self._trip(outcome.part, outcome.error)
        failures = 0
        while True:
            try:
                if not await self._move(entry, outcome):
                    log.warning("entry_lost", stream=self.lane.name, outcome=type(outcome).__name__)
            except (RedisError, OSError) as fault:
                failures += 1
                if failures == 1:
                    log.warning("settling_failed", stream=self.lane.name, error=type(fault).__name__)
                await pause(reconnect_delay(failures, chance=self._chance()))
            else:
                return

    async def _move(self, entry: Entry, outcome: Outcome) -> bool:
        match outcome:
            case Done():
                await asyncio.shield(self._acks[entry.key].ask(entry.id))  # it is done, whoever is cancelled
                return True
            case RetryLater(reason=reason, after=after, spends=spends):
                return await self._postpone(entry, reason, after, spends=spends)
            case DeadLetter(reason=reason, error=error):
                if not await self._transitions.is_mine(self.lane, entry):
                    return False  # whoever has it now decides what becomes of it, on the record too
                await self._register(entry, outcome)
                letter = self._letter(entry, reason, error)
                buried = await self._transitions.bury(self.lane, entry, letter)
                if buried:
                    metrics.dead_letters_total.labels(self.lane.name, reason).inc()
                    log.error("letter_buried", stream=self.lane.name, reason=reason, attempts=entry.attempt)
                return buried
            case Left() | Outage():
                handed = await self._transitions.hand_back(self.lane, entry.key, [entry.id], only=True)
                return bool(handed)
            case Split(recipients=recipients):
                return await self._transitions.split(self.lane, entry, recipients=recipients)
            case _:
                assert_never(outcome)

    async def _postpone(self, entry: Entry, reason: str, after: timedelta | None, *, spends: bool) -> bool:
        if spends:
            wait = self.lane.backoff.after(entry.attempt, chance=self._chance(), hint=after)
        else:
            wait = after or self._pace.busy_for
        notes = {ATTEMPT: entry.attempt + int(spends), FIRST: entry.first_ms}
        postponed = await self._transitions.postpone(self.lane, entry, wait=wait, notes=notes)
        if postponed:
            metrics.retries.labels(self.lane.name, reason).inc()
        return postponed

    def _letter(self, entry: Entry, reason: str, error: str) -> Mapping[bytes, bytes]:
        """Lay the entry out as a dead letter: the event's own fields, then what happened to it."""
        narrow = itertools.islice(entry.fields.items(), FIELDS_MAX)  # Lua unpacks no more than some thousands
        event = {name: value for name, value in narrow if name not in NOTES}
        kept: dict[bytes, object] = {
            b"reason": reason,
            b"error": error[:500],
            b"attempts": entry.attempt,
            CRASHES: entry.crashes,
            FIRST: entry.first_ms,
            b"consumer": self._transitions.consumer,
            DEATHS: entry.deaths + 1,
        }
        if entry.recipient is not None:
            kept[RECIPIENT] = entry.recipient
        return event | {name: str(value).encode() for name, value in kept.items()}

    async def _acknowledge(self, key: str, ids: Sequence[str]) -> Sequence[None]:
        await self._transitions.done(self.lane, key, ids)
        return [None] * len(ids)


class SettlingMiddleware(BaseMiddleware[Any, Any]):
    """The outermost middleware: whatever happens inside, the entry is settled once, at the end."""

    def __init__(
        self,
        msg: Any,  # noqa: ANN401  # FastStream's own signature
        /,
        *,
        context: ContextRepo,
        settlers: Mapping[str, Settler],
        max_attempts: int,
    ) -> None:
        super().__init__(msg, context=context)
        self._settler = settlers[msg["channel"]]
        self._in_hand: InHand = msg["in_hand"]
        self._max_attempts = max_attempts
        self._outcome: Outcome | None = None

    async def consume_scope(self, call_next: Callable[[Any], Any], msg: StreamMessage[Any]) -> Any:  # noqa: ANN401  # FastStream's own signature
        """Keep what the handler came to."""
        self._outcome = await call_next(msg)
        return self._outcome

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        """Settle. A cancelled entry is left as it is: whoever cancels hands it back."""
        if exc_type is not None and not issubclass(exc_type, Exception):
            return False
        entry = self._in_hand.entry
        outcome = self._outcome if exc_val is None else self._failure(exc_val)
        if outcome is None:
            outcome = DeadLetter("unhandled", "no handler takes this event")
        if exc_val is not None:
            log.error(
                "entry_failed",
                stream=self._settler.lane.name,
                outcome=type(outcome).__name__,
                error=type(exc_val).__name__,
                where=_place(exc_tb),
            )
        if isinstance(outcome, Done):
            self._in_hand.end()
        try:
            await self._settler.settle(entry, outcome)
            self._in_hand.settled = True
        except Exception as fault:
            # FastStream would swallow it, and nobody would learn why the entry pends for minutes.
            stream, error = self._settler.lane.name, type(fault).__name__
            log.error("settling_broke", stream=stream, error=error, where=_place(fault.__traceback__))  # noqa: TRY400  # no message: it may repeat what was sealed
            raise
        return True

    def _failure(self, fault: BaseException) -> Outcome:
        """Judge an error: what no repetition can mend is final, any other is a surprise."""
        if isinstance(fault, FINAL):
            return DeadLetter(fault.reason, str(fault))
        if self._in_hand.entry.attempt >= self._max_attempts:
            return DeadLetter("handler_failed", type(fault).__name__)
        return RetryLater("handler_failed", type(fault).__name__)


def _place(trace: TracebackType | None) -> str:
    """Name the line that raised. The message stays out of the log: it may repeat what was sealed."""
    frames = traceback.extract_tb(trace)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
