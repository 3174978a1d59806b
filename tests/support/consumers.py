"""Consumers for tests: a lane, a quick pace, and a broker whose handler the test decides about."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from contracts import codec, streams
from contracts.events import LoginEvent, OtpRequested
from contracts.facts import OtpRequestedData
from contracts.identifiers import new_id
from mailer_service.consuming.backoff import Backoff
from mailer_service.consuming.consumer import Consumer, new_consumer_name
from mailer_service.consuming.entries import Entry, InHand
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.messages import decode, in_hand, parse
from mailer_service.consuming.outcomes import DeadLetter, Done, Outcome

QUICK = Backoff(floors=(timedelta(milliseconds=50), timedelta(milliseconds=80)))
LANE = Lane(streams.LOGIN, slots=8, backoff=QUICK)
BRISK = Pace(
    renew_every=timedelta(milliseconds=100),
    silent_after=timedelta(seconds=1),
    stuck_after=timedelta(seconds=60),
    begin_within=timedelta(milliseconds=800),
    promote_every=timedelta(milliseconds=20),
    reclaim_every=timedelta(milliseconds=50),
    clean_every=timedelta(milliseconds=100),
    block=timedelta(milliseconds=100),
    drain_for=timedelta(seconds=5),
    probe_every=timedelta(milliseconds=30),
    busy_for=timedelta(milliseconds=50),
)

Carry = Callable[[LoginEvent, InHand], Awaitable[Outcome]]


def fact(*, locale: str = "en") -> OtpRequested:
    """Make an event that a handler may take for whatever its test is about."""
    return OtpRequested(
        id=new_id(),
        time=datetime.now(UTC),
        sequence="1",
        data=OtpRequestedData(locale=locale, sealed="box", user_id=uuid4(), challenge_id=uuid4()),
    )


async def publish(redis: "Redis", count: int = 1, *, lane: Lane = LANE, locale: str = "en") -> list[UUID]:
    """Put events on the lane's stream; gives their ids."""
    events = [fact(locale=locale) for _ in range(count)]
    async with redis.pipeline(transaction=False) as batch:
        for event in events:
            entry: dict[Any, Any] = dict(codec.encode(event))
            batch.xadd(lane.facts, entry)
        await batch.execute()
    return [event.id for event in events]


def plain_client(url: str) -> "Redis":
    """Make a client as the mailer makes its own: bytes, a bounded wait, no automatic retry."""
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


@dataclass
class Desk:
    """Handles entries as a test decides, and remembers them. The decision is `Done` unless said otherwise."""

    decide: Carry | None = None
    begun: list[UUID] = field(default_factory=list)
    finished: list[UUID] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    async def __call__(self, event: LoginEvent, held: InHand) -> Outcome:
        """Handle one entry."""
        self.begun.append(event.id)
        self.entries.append(held.entry)
        outcome = await self.decide(event, held) if self.decide is not None else Done()
        if isinstance(outcome, Done):
            self.finished.append(event.id)
        return outcome

    @property
    def copies(self) -> int:
        """How many more than once entries were finished."""
        return sum(Counter(self.finished).values()) - len(set(self.finished))


class Running:
    """One lane's consumer with its broker, as the mailer's wiring makes them, but for the mail."""

    def __init__(
        self,
        url: str,
        carry: Carry,
        *,
        pace: Pace = BRISK,
        lane: Lane = LANE,
        reading_url: str | None = None,
    ) -> None:
        self.lane = lane
        self.register: list[tuple[Entry, DeadLetter]] = []
        self.reading = plain_client(reading_url or url)
        self.moving = plain_client(url)
        self.consumer = Consumer(
            [lane],
            name=new_consumer_name(),
            reading=self.reading,
            moving=self.moving,
            register=self._record,
            pace=pace,
            clock=time.monotonic,
            chance=random.random,
        )
        self.broker = RedisBroker(
            url,
            middlewares=[self.consumer.middleware],
            apply_types=False,
            logger=None,  # type: ignore[arg-type]  # None is how FastStream is told to keep quiet
        )
        self.subscriber = self.broker.subscriber(
            stream=StreamSub(lane.facts, group=lane.group, consumer=self.consumer.name),
            parser=parse,
            decoder=decode,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
        )

        @self.subscriber
        async def handle(event: LoginEvent) -> Outcome:
            return await carry(event, in_hand(self.broker))

        self.consumer.attach({lane.name: self.subscriber})

    @property
    def reader_failures(self) -> int:
        """How many reads in a row have failed."""
        return self.consumer.readers[self.lane.name]._failures

    async def start(self) -> None:
        """Begin to consume."""
        await self.consumer.prepare()
        await self.broker.start()
        self.consumer.watch()

    async def stop(self) -> None:
        """Drain and let go of everything, as SIGTERM does."""
        await self.consumer.drain()
        await self._close()

    async def vanish(self) -> None:
        """End as a crash does: nothing is handed back, and its name stays among the living."""
        handling = self.consumer._tasks()
        ending = [*self.consumer._background, *handling]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        await self.broker.stop()
        await self.reading.aclose()
        await self.moving.aclose()

    async def _record(self, entry: Entry, letter: DeadLetter) -> None:
        self.register.append((entry, letter))


@asynccontextmanager
async def running(
    url: str,
    carry: Carry,
    *,
    pace: Pace = BRISK,
    lane: Lane = LANE,
    reading_url: str | None = None,
) -> AsyncIterator[Running]:
    """Run a consumer for the length of a block, and drain it at the end."""
    consumer = Running(url, carry, pace=pace, lane=lane, reading_url=reading_url)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
