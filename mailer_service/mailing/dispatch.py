"""One mail's way from its claim to its record: which provider gets it, when, and what its answer means."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

from contracts.tracing import span
from mailer_service.mailing.attempts import Errand
from mailer_service.mailing.database import PostgresAway
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Busy,
    Delivery,
    Expired,
    State,
    Suppressed,
    Unconfirmed,
)
from mailer_service.mailing.endings import Endings
from mailer_service.mailing.handover import Failed, HandedOver, NotBegun, hand_over
from mailer_service.mailing.ledger import Claim, Ledger, Mail, NotClaimed
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.metrics import send_duration_seconds
from mailer_service.mailing.providers import Provider, Providers
from mailer_service.mailing.rendering import Renderer, message_id
from mailer_service.mailing.replies import Outage
from mailer_service.mailing.smtp_connection import Envelope, SmtpConnection
from mailer_service.mailing.turns import Spent

TURN_SHARE: Final = 0.5
"""How much of the deadline may go by in waiting for a turn: the dialogue needs the rest."""

ASK_AGAIN_AFTER: Final = timedelta(seconds=5)
"""When a mail comes back that only one provider may try, and that one is away."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Sends claimed mails, each through one provider. `deadline` covers a mail from its claim to its 250."""

    ledger: Ledger
    endings: Endings
    providers: Providers
    renderer: Renderer
    deadline: timedelta

    async def carry(self, errand: Errand, letter: Letter, mail: Mail) -> Delivery:
        """Claim a mail, hand it over and record what became of it. Raises `PostgresAway`."""
        begun = asyncio.get_running_loop().time()
        identity = message_id(mail.event_id, letter.recipient, domain=self.renderer.sender.domain)
        with span("claim"):
            claim = await self.ledger.claim(
                mail, errand.attempt, message_id=identity, provider=self.providers.choose().name
            )
        if isinstance(claim, NotClaimed):
            return _why_not(claim)
        try:
            return await self._carry_claimed(errand, letter, claim, identity=identity, begun=begun)
        except PostgresAway:
            raise
        except BaseException:
            if not errand.begun:  # else it may be out: whoever reclaims the entry finds the claim standing
                await self.endings.handed_back(claim)  # nothing, where the ending was just recorded
            raise

    async def _carry_claimed(
        self, errand: Errand, letter: Letter, claim: Claim, *, identity: str, begun: float
    ) -> Delivery:
        provider = self.providers.named(claim.provider)
        if provider is None and claim.unclear > 0:
            return await self.endings.forsaken(claim)
        if provider is None or (provider.is_away and self.providers.others_than(provider)):
            return await self._not_by(claim)
        until = begun + self.deadline.total_seconds()
        ended = await self._send(errand, letter, provider, identity=identity, until=until)
        if isinstance(ended, HandedOver):
            provider.took(begun=begun)
            send_duration_seconds.labels(claim.mail.template).observe(
                asyncio.get_running_loop().time() - begun
            )
        with span("record") as recorded:
            delivery = await self._record(claim, provider, ended, last=errand.attempt.last)
            recorded.note({"porter.delivery": type(delivery).__name__})
        return delivery

    async def _not_by(self, claim: Claim) -> Delivery:
        """Let a mail go whose provider is away, or in use no more, while another is there."""
        if not claim.bound:
            return await self.endings.passed_on(claim, f"{claim.provider} is away")
        error = f"{claim.provider} is away, and it alone may try this mail again"
        return await self.endings.held(claim, "provider_away", error, after=ASK_AGAIN_AFTER)

    async def _record(
        self, claim: Claim, provider: Provider, ended: HandedOver | NotBegun | Failed | Spent, *, last: bool
    ) -> Delivery:
        match ended:
            case HandedOver(reply=reply):
                return await self.endings.sent(claim, reply=reply)
            case NotBegun():
                return await self.endings.handed_back(claim)
            case Spent(after=after):
                error = f"{provider.name} had no turn for it in time"
                return await self.endings.held(claim, "rate_spent", error, after=after)
            case Failed(verdict=Outage(hint=hint), error=error):
                self.providers.lost(provider, error, hint=hint)
                if self.providers.others_than(provider):
                    return await self.endings.passed_on(claim, error)
                return await self.endings.failed(claim, ended, last=last)
            case Failed():
                return await self.endings.failed(claim, ended, last=last)
            case _:
                assert_never(ended)

    async def _send(
        self, errand: Errand, letter: Letter, provider: Provider, *, identity: str, until: float
    ) -> HandedOver | NotBegun | Failed | Spent:
        turn_until = until - (1 - TURN_SHARE) * self.deadline.total_seconds()
        turn = await provider.turn(urgent=errand.is_urgent, until=turn_until)
        if isinstance(turn, Spent):
            return turn
        recipient = letter.recipient.address

        def write(connection: SmtpConnection) -> bytes:
            with span("render"):
                return self.renderer.render(
                    letter, message_id=identity, written_at=errand.event.time, eight_bit=connection.eight_bit
                )

        try:
            return await hand_over(
                write,
                envelope=Envelope(self.renderer.sender.address, recipient),
                pool=provider.pool,
                may_begin=errand.attempt.may_begin,
                begin_data=errand.begin_data,
                counted=turn.used,
                until=until,
                secrets=(recipient, *letter.secrets),
            )
        finally:
            turn.used()


def _why_not(refused: NotClaimed) -> Expired | Suppressed | Unconfirmed | AlreadyEnded | Busy:
    match refused:
        case NotClaimed(state=State.EXPIRED, now=True):
            return Expired()
        case NotClaimed(state=State.SUPPRESSED, now=True):
            return Suppressed("bounced")
        case NotClaimed(state=State.UNCONFIRMED, now=True):
            return Unconfirmed()
        case NotClaimed(state=State.SENDING | State.WAITING):
            return Busy()
        case _:
            return AlreadyEnded(refused.state)
