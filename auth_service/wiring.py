"""Where everything is put together: from settings to the parts that run."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from auth_service.api.cookies import Cookies
from auth_service.api.door import Door
from auth_service.api.health import Health
from auth_service.api.metrics import ApiMetrics
from auth_service.outbox.delivery import DeliveryLook
from auth_service.outbox.metrics import OutboxMetrics
from auth_service.outbox.relay import Relay
from auth_service.settings import AuthSettings
from auth_service.storage.database import Database

REDIS_CONNECTIONS: Final = 10
RELAY_GRACE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The long-lived parts of one process. Making them opens nothing; `close` closes what was opened."""

    door: Door
    health: Health
    relay: Relay
    registry: CollectorRegistry
    database: Database
    redis: Redis

    @asynccontextmanager
    async def open(self, *, relaying: bool) -> AsyncIterator[None]:
        """Run the relay beside whatever runs within, if asked to, and close everything afterwards."""
        task = asyncio.create_task(self.relay.run(), name="relay") if relaying else None
        try:
            yield
        finally:
            if task is not None:
                self.relay.stop()
                _, late = await asyncio.wait({task}, timeout=RELAY_GRACE_SECONDS)
                for each in late:
                    each.cancel()
            await self.close()

    async def close(self) -> None:
        """Close the connections to Postgres and Redis."""
        await self.database.close()
        await self.redis.aclose()


def assemble(settings: AuthSettings) -> Parts:
    """Make the parts that `settings` describe."""
    wake, registry = asyncio.Event(), CollectorRegistry()
    ProcessCollector(registry=registry)
    database = Database(
        settings.sqlalchemy_url,
        connections=settings.postgres_connections,
        statement_timeout=timedelta(seconds=settings.statement_timeout),
        on_append=wake.set,
    )
    redis = connect(settings)
    rules = settings.rules()
    cookies = Cookies(
        secure=not settings.insecure_localhost,
        session_life=rules.session_life,
        binding_life=rules.code_life,
        domain=settings.cookie_domain,
    )
    return Parts(
        door=Door(
            database=database,
            rules=rules,
            peppers=settings.all_peppers(),
            sealer=settings.sealer(),
            cookies=cookies,
            public_origin=settings.public_origin,
            return_origins=settings.return_origins,
            trusted_proxies=settings.trusted_proxies,
            delivery=DeliveryLook(database=database, redis=redis, clock=time.monotonic).look,
            metrics=ApiMetrics(registry),
        ),
        health=Health(ask_postgres=database.answers, ask_redis=redis.ping),
        relay=Relay(
            database=database,
            redis=redis,
            wake=wake,
            metrics=OutboxMetrics(registry),
            sweep_every=timedelta(seconds=settings.relay_sweep),
        ),
        registry=registry,
        database=database,
        redis=redis,
    )


def connect(settings: AuthSettings) -> Redis:
    """Make the client for Redis: bounded, impatient, and without retries, which would double pipelines."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        retry=Retry(NoBackoff(), 0),
        socket_timeout=5,
        socket_connect_timeout=2,
        max_connections=REDIS_CONNECTIONS,
        decode_responses=True,
    )
