"""Delivers the mail of an event: opens the box, claims, writes, hands over, records.

The order is the promise: nothing goes to SMTP before the claim, nothing is answered before the record.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from contracts.events import EVENT_TYPES, AnyEvent, UnknownAddressChallenged
from contracts.sealing import BoxRefused, Sealer
from contracts.tracing import span
from mailer_service.mailing.attempts import Attempt, Errand
from mailer_service.mailing.database import PostgresAway
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Busy,
    Delivery,
    Rejected,
    Suppressed,
)
from mailer_service.mailing.dispatch import Dispatch
from mailer_service.mailing.endings import Endings
from mailer_service.mailing.ledger import Ledger, Mail
from mailer_service.mailing.letters import Letter, open_letter
from mailer_service.mailing.mailbox import AddressUnusable
from mailer_service.mailing.mails import mail_of, mail_of_type
from mailer_service.mailing.masking import masked
from mailer_service.mailing.providers import Providers
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.telling import tell

CLOSE_WITHIN: Final = timedelta(seconds=5)


class Courier:
    """Carries mails, each at most once at a time. `deadline` covers a mail from its claim to its 250."""

    def __init__(
        self,
        *,
        sealer: Sealer,
        ledger: Ledger,
        providers: Providers,
        renderer: Renderer,
        deadline: timedelta = timedelta(seconds=20),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sealer = sealer
        self._ledger = ledger
        self._providers = providers
        self._dispatch = Dispatch(ledger, Endings(ledger, chance), providers, renderer, deadline)
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
        """Ask whether mail can go again; sends none. Raises `ConnectionError` when no provider answers."""
        await self._providers.probe()

    async def probe_postgres(self) -> None:
        """Ask Postgres for the ledger. Raises `ConnectionError` when it does not answer."""
        await self._ledger.probe()

    async def close(self) -> None:
        """Give what is still under way 5 s to end, then let go of every connection."""
        if self._errands:
            _, late = await asyncio.wait(self._errands, timeout=CLOSE_WITHIN.total_seconds())
            for errand in late:
                errand.cancel()
        await self._providers.close()
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
            async with self._providers.slots.taken(urgent=errand.is_urgent):
                return await self._dispatch.carry(errand, letter, mail)
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
        with span("record"):
            state = await self._ledger.record_suppressed(mail, owner=attempt.owner, reason=suppressed.reason)
        return suppressed if state is None else AlreadyEnded(state)


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
