"""Delivers the mail of an event: opens the box, claims, writes, hands over, records.

The order is the promise: nothing goes to SMTP before the claim, nothing is answered before the record.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never
from uuid import UUID

from contracts import streams
from contracts.events import EVENT_TYPES, AnyEvent, UnknownAddressChallenged
from contracts.sealing import BoxRefused, Sealer
from mailer_service.mailing.attempts import Attempt
from mailer_service.mailing.database import PostgresAway
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Busy,
    Delivery,
    Expired,
    Rejected,
    State,
    Suppressed,
)
from mailer_service.mailing.endings import Endings
from mailer_service.mailing.handover import Failed, HandedOver, NotBegun, hand_over
from mailer_service.mailing.ledger import Ledger, Mail, NotClaimed
from mailer_service.mailing.letters import Letter, open_letter
from mailer_service.mailing.mailbox import AddressUnusable
from mailer_service.mailing.mails import mail_of, mail_of_type
from mailer_service.mailing.masking import masked
from mailer_service.mailing.metrics import send_duration_seconds
from mailer_service.mailing.rendering import Renderer, message_id
from mailer_service.mailing.smtp_connection import Envelope, SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.telling import tell

CLOSE_WITHIN: Final = timedelta(seconds=5)


class SmtpAway(ConnectionError):
    """The SMTP server is unreachable, or does not let us in."""


@dataclass(slots=True)
class Errand:
    """One call of `deliver`: what was asked, and whether the point of no return is behind."""

    event: AnyEvent
    position: int
    attempt: Attempt
    begun: bool = False

    def begin_data(self) -> bool:
        """Ask the attempt for leave, and remember when it was given."""
        leave = self.attempt.begin_data()
        self.begun = self.begun or leave
        return leave


class Courier:
    """Carries mails, each at most once at a time. `deadline` covers a mail from its claim to its 250."""

    def __init__(
        self,
        *,
        sealer: Sealer,
        ledger: Ledger,
        pool: SmtpPool,
        renderer: Renderer,
        deadline: timedelta = timedelta(seconds=20),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sealer = sealer
        self._ledger = ledger
        self._pool = pool
        self._renderer = renderer
        self._deadline = deadline
        self._endings = Endings(ledger, chance)
        self._in_hand: set[tuple[UUID, str]] = set()
        self._errands: set[asyncio.Task[Delivery]] = set()

    @property
    def in_hand(self) -> int:
        """How many mails are under way, those that wait for an SMTP slot included."""
        return len(self._in_hand)

    async def deliver(self, event: AnyEvent, *, position: int, attempt: Attempt) -> Delivery:
        """Send the mail for recipient `position` of an event, and tell what became of it.

        Cancelled before `begin_data` said yes it lets the mail go first; cancelled later it carries the mail
        to its record first. Raises nothing that is expected.
        """
        errand = Errand(event, position, attempt)
        work = asyncio.create_task(self._run(errand), name=f"deliver {event.id} {position}")
        self._errands.add(work)
        work.add_done_callback(self._errands.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if not errand.begun:
                work.cancel()
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()  # seen: the cancellation is what the caller asked for
            raise

    async def record_dead(
        self, *, event_id: UUID, position: int, event_type: str, reason: str, error: str
    ) -> None:
        """Put a mail on record as dead that the caller gives up without knowing its recipient.

        Repeatable, and no final state is changed. Raises `ConnectionError` when Postgres is away.
        """
        stream = next((event.stream.name for event in EVENT_TYPES if event.type_name() == event_type), "")
        await self._ledger.record_dead(
            event_id=event_id,
            position=position,
            event_type=masked(event_type),
            template=mail_of_type(event_type),
            stream=stream,
            reason=masked(reason),
            error=masked(error),
        )

    async def probe_smtp(self) -> None:
        """Connect, greet, secure, authenticate; sends no mail. Raises `ConnectionError` when that fails."""
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                await self._pool.probe()
        except SmtpEnded as ended:
            raise SmtpAway(masked(ended.words())) from ended
        except TimeoutError as late:
            raise SmtpAway("no answer by the deadline") from late

    async def probe_postgres(self) -> None:
        """Ask Postgres for the ledger. Raises `ConnectionError` when it does not answer."""
        await self._ledger.probe()

    async def close(self) -> None:
        """Give what is still under way 5 s to end, then let go of every connection."""
        if self._errands:
            _, late = await asyncio.wait(self._errands, timeout=CLOSE_WITHIN.total_seconds())
            for errand in late:
                errand.cancel()
        self._pool.close()
        await self._ledger.close()

    async def _run(self, errand: Errand) -> Delivery:
        try:
            delivery = await self._open(errand)
        except PostgresAway as away:
            delivery = Away("postgres", str(away))
        tell(errand.event, errand.attempt, delivery)
        return delivery

    async def _open(self, errand: Errand) -> Delivery:
        event, attempt = errand.event, errand.attempt
        try:
            letter = open_letter(event, position=errand.position, sealer=self._sealer)
        except (BoxRefused, AddressUnusable) as refused:
            return await self._unreadable(errand, refused.reason, str(refused))
        mail = _mail(errand, letter)
        if mail.key in self._in_hand:
            return Busy()
        self._in_hand.add(mail.key)
        try:
            if isinstance(event, UnknownAddressChallenged):
                return await self._suppress(mail, attempt)
            async with self._pool.slots.taken(urgent=event.stream is streams.LOGIN):
                return await self._carry(errand, letter, mail)
        finally:
            self._in_hand.discard(mail.key)

    async def _unreadable(self, errand: Errand, reason: str, error: str) -> Rejected:
        await self.record_dead(
            event_id=errand.event.id,
            position=errand.position,
            event_type=errand.event.type,
            reason=reason,
            error=error,
        )
        return Rejected(reason, masked(error))

    async def _suppress(self, mail: Mail, attempt: Attempt) -> Suppressed | AlreadyEnded:
        suppressed = Suppressed("unknown_address")
        state = await self._ledger.record_suppressed(mail, owner=attempt.owner, reason=suppressed.reason)
        return suppressed if state is None else AlreadyEnded(state)

    async def _carry(self, errand: Errand, letter: Letter, mail: Mail) -> Delivery:
        until = asyncio.get_running_loop().time() + self._deadline.total_seconds()
        started = time.perf_counter()
        identity = message_id(mail.event_id, letter.recipient, domain=self._renderer.sender.domain)
        claim = await self._ledger.claim(
            mail, errand.attempt, message_id=identity, provider=self._pool.url.provider
        )
        if isinstance(claim, NotClaimed):
            return _why_not(claim)
        try:
            ended = await hand_over(
                lambda _: self._renderer.render(letter, message_id=identity, written_at=errand.event.time),
                envelope=Envelope(self._renderer.sender.address, mail.recipient),
                pool=self._pool,
                begin_data=errand.begin_data,
                until=until,
                secrets=(mail.recipient, *letter.secrets),
            )
        except BaseException:
            if not errand.begun:  # else it may be out: whoever reclaims the entry finds the claim standing
                await self._endings.handed_back(claim)
            raise
        match ended:
            case HandedOver(reply=reply):
                send_duration_seconds.labels(mail.template).observe(time.perf_counter() - started)
                return await self._endings.sent(claim, reply=reply)
            case NotBegun():
                return await self._endings.handed_back(claim)
            case Failed():
                return await self._endings.failed(claim, ended, last=errand.attempt.last)
            case _:
                assert_never(ended)


def _mail(errand: Errand, letter: Letter) -> Mail:
    event = errand.event
    return Mail(
        event_id=event.id,
        recipient=letter.recipient.address,
        position=errand.position,
        event_type=event.type,
        template=mail_of(event),
        stream=event.stream.name,
        occurred_at=event.time,
        expires_at=event.gives_up_at(),
        administrator=letter.administrator,
    )


def _why_not(refused: NotClaimed) -> Expired | Suppressed | AlreadyEnded | Busy:
    if refused.now:
        return Suppressed("bounced") if refused.state is State.SUPPRESSED else Expired()
    if refused.state in {State.SENDING, State.WAITING}:
        return Busy()
    return AlreadyEnded(refused.state)
