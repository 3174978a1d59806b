"""The one place where consuming and mailing meet: an entry becomes a mail, what became of it an outcome."""

import asyncio
import itertools
import random
import time
from datetime import timedelta
from typing import assert_never
from uuid import UUID

import structlog
from faststream import AckPolicy
from faststream.redis import StreamSub
from faststream.redis.prometheus import RedisPrometheusMiddleware
from prometheus_client import REGISTRY
from redis.exceptions import RedisError

from contracts.events import AccountEvent, AnyEvent, LoginEvent, SessionEvent
from mailer_service.assembly import lanes, make_broker, pace, redis_client
from mailer_service.consuming import metrics
from mailer_service.consuming.backoff import reconnect_delay
from mailer_service.consuming.cancelling import pause
from mailer_service.consuming.consumer import Consumer, new_consumer_name
from mailer_service.consuming.entries import Entry, InHand
from mailer_service.consuming.lanes import GROUP, Lane
from mailer_service.consuming.messages import decode, in_hand, parse
from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater, Split
from mailer_service.dying import count_from_zero
from mailer_service.mailing.attempts import Attempt, Reopen
from mailer_service.mailing.courier import Courier
from mailer_service.mailing.database import PostgresAway
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Busy,
    Delivery,
    Expired,
    HandedBack,
    Held,
    PassedOn,
    Postponed,
    Rejected,
    Sent,
    Suppressed,
    Unconfirmed,
)
from mailer_service.mailing.ledger import Ledger
from mailer_service.settings import MailerSettings
from mailer_service.tracing import note_outcome, told

log = structlog.get_logger(__name__)

REOPENS = {"dead": Reopen.DEAD, "forced": Reopen.EXPIRED}
MOVING_CONNECTIONS = 16
FORGET_EVERY = timedelta(hours=1)


class Mailer:
    """The running mailer: broker, consumer and courier."""

    def __init__(self, settings: MailerSettings, *, courier: Courier, ledger: Ledger) -> None:
        self._lanes = lanes(settings)
        count_from_zero(self._lanes)
        self._courier = courier
        self._ledger = ledger
        self._forgetting: asyncio.Task[None] | None = None
        self._max_attempts = settings.max_attempts
        self._reading = redis_client(settings, connections=2 * len(self._lanes))
        self.moving = redis_client(settings, connections=MOVING_CONNECTIONS)
        self.consumer = Consumer(
            self._lanes,
            name=new_consumer_name(),
            reading=self._reading,
            moving=self.moving,
            register=self.record_dead,
            pace=pace(settings),
            clock=time.monotonic,
            chance=random.random,
        )
        self.consumer.guard("smtp", probe=courier.probe_smtp, gauge=metrics.smtp_pause)
        self.consumer.guard("postgres", probe=courier.probe_postgres, gauge=metrics.postgres_breaker_open)
        self.broker = make_broker(
            settings,
            middlewares=[self.consumer.middleware, RedisPrometheusMiddleware(registry=REGISTRY)],
        )
        self._subscribe()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes that this mailer works."""
        return self._lanes

    async def start(self) -> None:
        """Begin to consume; waits for Redis as long as it takes."""
        await self.consumer.prepare()
        for failures in itertools.count(1):
            try:
                await self.broker.start()
            except (RedisError, OSError) as fault:
                log.warning("broker_not_started", error=type(fault).__name__)
                await self.broker.stop()
                await pause(reconnect_delay(failures, chance=random.random()))  # noqa: S311  # jitter
            else:
                break
        self.consumer.watch()
        self._forgetting = asyncio.create_task(self._forget_old_mails(), name="forget")
        log.info("mailer_started", consumer=self.consumer.name)

    async def stop(self) -> None:
        """Drain, then let go of everything."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        await self.consumer.drain()
        await self.broker.stop()
        await self._courier.close()
        await self._reading.aclose()
        await self.moving.aclose()

    async def carry(self, event: AnyEvent, held: InHand) -> Outcome:
        """Handle one entry: one mail, or the split of an event that has several."""
        entry = held.entry
        with told(event, entry) as span:
            trace_id = _trace_id(span.traceparent or event.traceparent)
            with structlog.contextvars.bound_contextvars(event_id=str(event.id), trace_id=trace_id):
                outcome = await self._carry(event, held)
            note_outcome(outcome, span)
            return outcome

    async def _carry(self, event: AnyEvent, held: InHand) -> Outcome:
        entry = held.entry
        if event.data.recipients == 0:
            return Done()
        if event.data.recipients > 1 and entry.recipient is None:
            return Split(event.data.recipients)
        attempt = Attempt(
            owner=self.consumer.name,
            number=entry.attempt,
            last=entry.attempt >= self._max_attempts,
            taken_from=entry.taken_from,
            reopen=REOPENS.get(entry.replayed, Reopen.NOTHING),
            may_begin=lambda: self.consumer.may_begin(held),
            begin_data=lambda: self.consumer.begin(held),
        )
        return outcome_of(await self._courier.deliver(event, position=entry.recipient or 0, attempt=attempt))

    async def record_dead(self, entry: Entry, letter: DeadLetter) -> None:
        """Put a dead letter on the ledger, repeated until it is there; no event id means no row."""
        try:
            event_id = UUID(entry.text(b"id"))
        except ValueError:
            log.warning("letter_without_event_id", reason=letter.reason)
            return
        for failures in itertools.count(1):
            try:
                await self._courier.record_dead(
                    event_id=event_id,
                    position=entry.recipient or 0,
                    event_type=entry.text(b"type")[:100],
                    reason=letter.reason,
                    error=letter.error,
                )
            except PostgresAway as fault:
                if failures == 1:
                    log.warning("letter_not_recorded", error=type(fault).__name__)
                await asyncio.sleep(reconnect_delay(failures, chance=random.random()))  # noqa: S311  # jitter
            else:
                return

    async def _forget_old_mails(self) -> None:
        """Delete what the ledger keeps no longer, in small batches; several mailers may do so at once."""
        while True:
            try:
                while await self._ledger.forget():
                    pass
            except PostgresAway:
                log.debug("ledger_not_tidied")
            await asyncio.sleep(FORGET_EVERY.total_seconds())

    def _subscribe(self) -> None:
        login, accounts, sessions = subscribers = tuple(
            self.broker.subscriber(
                stream=StreamSub(lane.facts, group=GROUP, consumer=self.consumer.name),
                parser=parse,
                decoder=decode,
                ack_policy=AckPolicy.MANUAL,
                no_reply=True,
            )
            for lane in self._lanes
        )

        @login
        async def carry_login(event: LoginEvent) -> Outcome:
            return await self.carry(event, in_hand(self.broker))

        @accounts
        async def carry_account(event: AccountEvent) -> Outcome:
            return await self.carry(event, in_hand(self.broker))

        @sessions
        async def carry_session(event: SessionEvent) -> Outcome:
            return await self.carry(event, in_hand(self.broker))

        self.consumer.attach({lane.name: sub for lane, sub in zip(self._lanes, subscribers, strict=True)})


def outcome_of(delivery: Delivery) -> Outcome:  # noqa: PLR0911 - a case for each ending
    """Translate what became of a mail into what happens to its entry."""
    match delivery:
        case Sent() | AlreadyEnded() | Expired() | Suppressed() | Unconfirmed():
            return Done()
        case Postponed(reason=reason, error=error, after=after):
            return RetryLater(reason, error, after)
        case Busy():
            return RetryLater("busy", spends=False)
        case Rejected(reason=reason, error=error):
            return DeadLetter(reason, error)
        case Away(part=part, error=error):
            return Outage(part, error)
        case Held(reason=reason, error=error, after=after):
            return RetryLater(reason, error, after, spends=False)
        case PassedOn():
            return Left("passed_on")
        case HandedBack():
            return Left("not_begun")
        case _:
            assert_never(delivery)


def _trace_id(traceparent: str | None) -> str:
    return traceparent.split("-")[1] if traceparent else ""
