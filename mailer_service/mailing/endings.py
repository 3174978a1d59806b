"""From how an attempt went to what the ledger says and the caller is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar, assert_never

import structlog

from mailer_service.mailing.database import PostgresAway
from mailer_service.mailing.deliveries import (
    Away,
    Busy,
    Delivery,
    HandedBack,
    Held,
    PassedOn,
    Postponed,
    Rejected,
    Sent,
    State,
    Unconfirmed,
)
from mailer_service.mailing.handover import Failed
from mailer_service.mailing.ledger import Claim, Ledger
from mailer_service.mailing.metrics import event_to_sent_seconds
from mailer_service.mailing.replies import Outage, Passing, Refused, Unclear

log = structlog.get_logger(__name__)

UNCLEAR_MOST: Final = 2
"""An unclear DATA is tried once more; the second one ends it."""

PAUSE_MOST_SECONDS: Final = 1.0
"""Between tries at a record that must be made. Short: until it is, another may take the mail for unsent."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endings:
    """Records how attempts end. What must not be forgotten is repeated until Postgres has it.

    Where a claim stands no more, its mail is another's: the answer is `Busy`, and nothing was recorded.
    """

    ledger: Ledger
    chance: Callable[[], float]

    async def sent(self, claim: Claim, *, reply: str) -> Sent:
        """Record a 250, however long it takes: from here on the only ending is done."""
        age = await self._until_recorded(claim, lambda: self.ledger.record_sent(claim, reply=reply))
        if age is None:
            log.warning("mail_sent_after_its_end", event_id=str(claim.mail.event_id))
        else:
            event_to_sent_seconds.labels(claim.mail.template).observe(age.total_seconds())
        return Sent()

    async def handed_back(self, claim: Claim) -> HandedBack:
        """Record that nothing was sent and nothing was anybody's fault. Raises `PostgresAway`."""
        await self.ledger.let_wait(claim, reason="handed_back", error="")
        return HandedBack()

    async def held(self, claim: Claim, reason: str, error: str, *, after: timedelta) -> Held | Busy:
        """Record that the mail has to wait, and spend nothing. Raises `PostgresAway`."""
        stood = await self.ledger.let_wait(claim, reason=reason, error=error)
        return Held(reason, error, after) if stood else Busy()

    async def passed_on(self, claim: Claim, error: str) -> PassedOn | Busy:
        """Record that another provider's turn has come. Raises `PostgresAway`."""
        stood = await self.ledger.let_wait(claim, reason="provider_away", error=error)
        return PassedOn(error) if stood else Busy()

    async def forsaken(self, claim: Claim) -> Unconfirmed | Busy:
        """Record that nobody can tell whether a mail went out: the one provider to ask is in use no more.

        Raises `PostgresAway`.
        """
        error = f"{claim.provider} is not in use any more, and no other may try this mail again"
        stood = await self.ledger.record_end(claim, State.UNCONFIRMED, reason="unclear_data", error=error)
        return Unconfirmed() if stood else Busy()

    async def failed(self, claim: Claim, failed: Failed, *, last: bool) -> Delivery:
        """Record a failure by its verdict. Raises `PostgresAway`, except where content had been written."""
        error = failed.error
        match failed.verdict:
            case Outage():
                await self.ledger.let_wait(claim, reason="smtp_away", error=error)
                return Away("smtp", error)
            case Passing(reason=reason, hint=hint):
                if last:
                    return await self._rejected(claim, "attempts_exhausted", f"{reason}: {error}")
                stood = await self.ledger.let_wait(claim, reason=reason, error=error)
                return Postponed(reason, error, hint) if stood else Busy()
            case Refused(reason=reason, bounced=bounced):
                return await self._rejected(claim, reason, error, bounced=bounced)
            case Unclear():
                return await self._unclear(claim, error)
            case _:
                assert_never(failed.verdict)

    async def _rejected(
        self, claim: Claim, reason: str, error: str, *, bounced: bool = False
    ) -> Rejected | Busy:
        stood = await self.ledger.record_end(claim, State.DEAD, reason=reason, error=error, bounced=bounced)
        return Rejected(reason, error) if stood else Busy()

    async def _unclear(self, claim: Claim, error: str) -> Delivery:
        """Count it, however long that takes: an uncounted one would be tried once too often."""
        unclear = claim.unclear + 1
        reason = "unclear_data"
        if unclear >= UNCLEAR_MOST:
            stood = await self._until_recorded(
                claim,
                lambda: self.ledger.record_end(
                    claim, State.UNCONFIRMED, reason=reason, error=error, unclear=unclear
                ),
            )
            return Unconfirmed() if stood else Busy()
        stood = await self._until_recorded(
            claim, lambda: self.ledger.let_wait(claim, reason=reason, error=error, unclear=unclear)
        )
        return Postponed(reason, error, None) if stood else Busy()

    async def _until_recorded(self, claim: Claim, record: Callable[[], Awaitable[T]]) -> T:
        failures = 0
        while True:
            try:
                recorded = await record()
            except PostgresAway as away:
                failures += 1
                if failures == 1:
                    log.warning("record_delayed", event_id=str(claim.mail.event_id), error=str(away))
                pause = min(PAUSE_MOST_SECONDS, 0.05 * 2 ** min(failures, 10))
                await asyncio.sleep(pause * (0.5 + self.chance() / 2))
            else:
                if failures:
                    log.info("record_made", event_id=str(claim.mail.event_id), tries=failures + 1)
                return recorded
