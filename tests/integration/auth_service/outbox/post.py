"""A relay with the outbox before it and the streams behind it: the arrangement of the tests beside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from auth_service.model.callers import Caller
from auth_service.outbox.metrics import OutboxMetrics
from auth_service.outbox.relay import Relay
from auth_service.storage.database import Database
from contracts.codec import decode
from contracts.events import OtpRequested, UserRegistered
from contracts.facts import OtpRequestedData, UserRegisteredData
from contracts.identifiers import new_id
from contracts.streams import LOGIN, Stream

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Post:
    """A relay and the two places it works between."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.database = database
        self.redis: Redis = Redis.from_url(
            redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=2, socket_connect_timeout=2
        )
        self.registry = CollectorRegistry()
        redis_up = Gauge("auth_redis_up", "Whether Redis answered last.", registry=self.registry)
        self.metrics = OutboxMetrics(self.registry, redis_up=redis_up)
        self.wake = asyncio.Event()

    def relay(self, *, batch_rows: int = 500, sweep_every: timedelta = timedelta(minutes=5)) -> Relay:
        return Relay(
            database=self.database,
            redis=self.redis,
            wake=self.wake,
            metrics=self.metrics,
            sweep_every=sweep_every,
            batch_rows=batch_rows,
        )

    @asynccontextmanager
    async def running(self, relay: Relay) -> AsyncIterator[None]:
        task = asyncio.create_task(relay.run())
        try:
            yield
        finally:
            relay.stop()
            await asyncio.wait_for(task, 10)

    async def append(self, count: int = 1) -> list[UUID]:
        ids = [new_id() for _ in range(count)]
        async with self.database.unit(caller=Caller(traceparent=TRACEPARENT)) as unit:
            for event_id in ids:
                user_id = new_id()
                await unit.outbox.append(
                    OtpRequested,
                    event_id=event_id,
                    data=OtpRequestedData(locale="en", sealed="box", user_id=user_id, challenge_id=new_id()),
                    subject=user_id,
                    sequence=1,
                    expires_at=await unit.now() + timedelta(minutes=10),
                )
        return ids

    async def append_account_event(self) -> UUID:
        event_id, user_id = new_id(), new_id()
        data = UserRegisteredData(locale="en", sealed="box", user_id=user_id)
        async with self.database.unit() as unit:
            await unit.outbox.append(
                UserRegistered, event_id=event_id, data=data, subject=user_id, sequence=2
            )
        return event_id

    async def entries(self, stream: Stream) -> list[tuple[str, dict[bytes, bytes]]]:
        """Read a stream whole: entry ids and fields."""
        found: Any = await self.redis.xrange(stream.key)
        return [(entry_id.decode(), fields) for entry_id, fields in found]

    async def on_stream(self, stream: Stream) -> list[UUID]:
        """Read the event ids on a stream."""
        return [decode(fields).id for _, fields in await self.entries(stream)]

    async def logins(self) -> list[UUID]:
        return await self.on_stream(LOGIN)

    async def unpublished(self) -> int:
        async with self.database.unit() as unit:
            return (await unit.outbox.backlog()).rows

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)
