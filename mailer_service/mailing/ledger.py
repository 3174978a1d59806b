"""The ledger: who has which mail in hand, and how each mail ended. One row a mail, in Postgres."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import Row, TextClause

from contracts import streams
from mailer_service.mailing import claiming, statements, upkeep
from mailer_service.mailing.attempts import Attempt, Reopen
from mailer_service.mailing.database import Database, PostgresAway
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.lots import lots
from mailer_service.mailing.suppressions import SUPPRESSION_RULE, suppressed_as

KEPT: Final = timedelta(days=35)
"""Longer than any stream keeps an entry that could ask for the same mail again."""

LEFT_BEHIND_MAX: Final = 10_000
LET_GO_WITHIN: Final = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Mail:
    """What the ledger notes of a mail before anything becomes of it."""

    event_id: UUID
    recipient: str
    position: int
    event_type: str
    template: str
    stream: str
    occurred_at: datetime
    expires_at: datetime
    administrator: bool = False
    """Whether the recipient is one: nothing to them is suppressed, and no bounce of theirs is on record."""

    def values(self) -> dict[str, object]:
        """Give the columns by name, without the deep copies that `dataclasses.asdict` makes."""
        return {
            "event_id": self.event_id,
            "recipient": self.recipient,
            "position": self.position,
            "event_type": self.event_type,
            "template": self.template,
            "stream": self.stream,
            "occurred_at": self.occurred_at,
            "expires_at": self.expires_at,
        }

    @property
    def key(self) -> tuple[UUID, str]:
        """What makes it the same mail."""
        return self.event_id, self.recipient

    @property
    def address(self) -> str:
        """The recipient as suppressions know them."""
        return suppressed_as(self.recipient)


@dataclass(frozen=True, slots=True)
class Claim:
    """The mail is ours to send, by `provider`. `unclear` counts how often so far DATA got no reply.

    `bound`: that provider may have the mail already, and no other may be offered it now.
    """

    mail: Mail
    owner: str
    token: UUID
    unclear: int
    provider: str
    message_id: str
    bound: bool


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """The mail is not ours to send: `state` tells why; a final one may be recorded just `now`.

    That is EXPIRED or SUPPRESSED, or UNCONFIRMED where an unclear mail's time is over.
    """

    state: State
    now: bool = False


class Ledger:
    """The protocol of claims and records. Everything raises `PostgresAway`, and all of it may be repeated."""

    def __init__(self, database: Database, *, stale_after: timedelta = timedelta(seconds=60)) -> None:
        self._database = database
        self._claims = lots(
            database, claiming.CLAIM, {"bound_for": claiming.BOUND_FOR, "stale_after": stale_after}
        )
        self._records = lots(database, statements.SENT, {})
        # Claims of this process whose end could not be told to Postgres: they may be claimed again at once.
        self._left_behind: OrderedDict[tuple[UUID, str], UUID] = OrderedDict()

    async def claim(
        self, mail: Mail, attempt: Attempt, *, message_id: str, provider: str
    ) -> Claim | NotClaimed:
        """Take a mail in hand, as `claiming.CLAIM` promises."""
        token = self._left_behind.pop(mail.key, None) or uuid4()
        question = mail.values() | {
            "owner": attempt.owner,
            "claim": token,
            "attempt": attempt.number,
            "message_id": message_id,
            "provider": provider,
            "taken_from": attempt.taken_from,
            "reopened": claiming.REOPENED[attempt.reopen],
            "even_late": attempt.reopen is Reopen.EXPIRED,
            # Whoever replays a letter wants it tried, and a mail that arrives lifts the suppression.
            "suppressible": not mail.administrator and attempt.reopen is Reopen.NOTHING,
            "address": mail.address,
            "login": mail.stream == streams.LOGIN.name,
        }
        asked = self._claims.ask(question)
        try:
            row = await asyncio.shield(asked)
        except asyncio.CancelledError:
            await self._let_go(mail, token, asked)
            raise
        except BaseException:
            self._leave_behind(mail, token)
            raise
        if row is None:
            return NotClaimed(await self._state(mail))
        if row.state != State.SENDING:
            return NotClaimed(State(row.state), now=True)
        return Claim(mail, attempt.owner, token, row.unclear, row.provider, message_id, row.bound)

    async def record_sent(self, claim: Claim, *, reply: str) -> timedelta | None:
        """Record a 250, as `statements.SENT` promises; tells its age, None if the mail had ended before."""
        question = claim.mail.values() | {
            "owner": claim.owner,
            "claim": claim.token,
            "message_id": claim.message_id,
            "provider": claim.provider,
            "reply": reply,
            "address": claim.mail.address,
        }
        row = await self._records.ask(question)
        return None if row is None else timedelta(seconds=float(row.age))

    async def record_end(
        self,
        claim: Claim,
        state: Literal[State.DEAD, State.UNCONFIRMED],
        *,
        reason: str,
        error: str,
        unclear: int | None = None,
        bounced: bool = False,
    ) -> bool:
        """Record another ending, as `statements.ENDED` promises; tells whether the claim still stood.

        `bounced`: the server knows no such mailbox, which counts against the address.
        """
        values = {
            **_key(claim.mail),
            "claim": claim.token,
            "state": state.value,
            "reason": reason,
            "error": error,
            "unclear": claim.unclear if unclear is None else unclear,
            "bounced": bounced and not claim.mail.administrator,
            "address": claim.mail.address,
            **SUPPRESSION_RULE,
        }
        return await self._told(claim, statements.ENDED, values)

    async def let_wait(self, claim: Claim, *, reason: str, error: str, unclear: int | None = None) -> bool:
        """Let go for a later try, as `statements.WAITING` promises; tells whether the claim still stood."""
        values = {
            **_key(claim.mail),
            "claim": claim.token,
            "reason": reason,
            "error": error,
            "unclear": claim.unclear if unclear is None else unclear,
            "holds": statements.HOLDS,
            "unspent": statements.UNSPENT,
            "attempts_kept": statements.ATTEMPTS_KEPT,
        }
        return await self._told(claim, statements.WAITING, values)

    async def record_suppressed(self, mail: Mail, *, owner: str, reason: str) -> State | None:
        """Record a mail that is deliberately not sent; gives the state where it was on record already."""
        row = await self._database.row(
            statements.SUPPRESSED, mail.values() | {"owner": owner, "reason": reason}
        )
        return await self._state(mail) if row is None else None

    async def record_dead(
        self,
        *,
        event_id: UUID,
        position: int,
        event_type: str,
        template: str,
        stream: str,
        reason: str,
        error: str,
    ) -> None:
        """Record a mail as dead whose recipient is not known, as `statements.DEAD` promises."""
        values = {
            "event_id": event_id,
            "position": position,
            "event_type": event_type,
            "template": template,
            "stream": stream,
            "reason": reason,
            "error": error,
        }
        await self._database.row(statements.DEAD, values)

    async def forget(self, *, kept: timedelta = KEPT, batch: int = 1000) -> int:
        """Delete up to `batch` mails older than `kept` and as many lapsed suppressions; tell how many."""
        row = await self._database.row(upkeep.FORGET, {"kept": kept, "batch": batch})
        return 0 if row is None else int(row[0])

    async def probe(self) -> None:
        """Ask whether Postgres is there."""
        await self._database.row(upkeep.PROBE, {})

    async def close(self) -> None:
        """Let go of all connections."""
        await self._database.close()

    async def _let_go(self, mail: Mail, token: UUID, asked: asyncio.Future[Row[Any] | None]) -> None:
        """Let go of what is claimed for somebody who is cancelled: the lot goes on without them."""
        self._leave_behind(mail, token)  # unless it is let go of below
        await asyncio.wait({asked}, timeout=LET_GO_WITHIN.total_seconds())
        if not asked.done() or asked.exception() is not None or (row := asked.result()) is None:
            return
        if row.state == State.SENDING:
            claim = Claim(mail, "", token, row.unclear, row.provider, "", row.bound)
            with suppress(PostgresAway):
                await self.let_wait(claim, reason="handed_back", error="")

    async def _state(self, mail: Mail) -> State:
        row = await self._database.row(claiming.STATE, _key(mail))
        # Deleted between the two statements: whoever comes next finds no row and may claim.
        return State.WAITING if row is None else State(row.state)

    async def _told(self, claim: Claim, statement: TextClause, values: dict[str, object]) -> bool:
        try:
            stood = await self._database.row(statement, values) is not None
        except PostgresAway:
            self._leave_behind(claim.mail, claim.token)
            raise
        self._left_behind.pop(claim.mail.key, None)
        return stood

    def _leave_behind(self, mail: Mail, token: UUID) -> None:
        self._left_behind[mail.key] = token
        if len(self._left_behind) > LEFT_BEHIND_MAX:
            self._left_behind.popitem(last=False)


def _key(mail: Mail) -> dict[str, object]:
    return {"event_id": mail.event_id, "recipient": mail.recipient}
