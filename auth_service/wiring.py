"""Where everything is put together: from settings to the parts that run."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from redis.asyncio import Redis

from auth_service.api.cookies import Cookies
from auth_service.api.door import Door
from auth_service.api.health import Health
from auth_service.api.metrics import ApiMetrics
from auth_service.appointments import appoint
from auth_service.flows.copies import drop_copies, drop_copies_told_of
from auth_service.flows.grid import cached_grid
from auth_service.flows.watch import Watch
from auth_service.housekeeping.metrics import HousekeepingMetrics
from auth_service.housekeeping.rounds import Housekeeping
from auth_service.housekeeping.rules import KeepTimes, leftovers
from auth_service.memory.cache import Cache
from auth_service.memory.circuit import PATIENCE, Circuit
from auth_service.memory.limits import Limits
from auth_service.memory.local_windows import LocalWindows
from auth_service.memory.metrics import MemoryMetrics
from auth_service.memory.windows import SharedWindows
from auth_service.outbox.delivery import DeliveryLook
from auth_service.outbox.metrics import OutboxMetrics
from auth_service.outbox.relay import Relay
from auth_service.outbox.scrape import ScrapeLook
from auth_service.settings import AuthSettings
from auth_service.storage.database import Database
from contracts.redis_pools import redis_pool

REDIS_CONNECTIONS: Final = 10
GRACE_SECONDS: Final = 10.0
COMMAND_PATIENCE: Final = timedelta(seconds=2)
"""A command asks once, over a connection that it has yet to open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The long-lived parts of one process. Making them opens nothing; `close` closes what was opened."""

    door: Door
    health: Health
    relay: Relay
    housekeeping: Housekeeping
    admin_emails: tuple[str, ...]
    registry: CollectorRegistry
    redis_up: Gauge
    scrape_look: ScrapeLook
    database: Database
    redis: Redis
    circuit: Circuit
    cache: Cache

    @asynccontextmanager
    async def open(self, *, relaying: bool, appointing: bool = False) -> AsyncIterator[None]:
        """Keep house beside whatever runs within, and relay and appoint administrators if asked to.

        Everything is closed afterwards.
        """
        await self.circuit.warm()
        if not relaying:
            self.redis_up.remove("streams")  # whoever relays knows; this process would say 0 for ever
        tasks = {asyncio.create_task(self.housekeeping.run(), name="housekeeping")}
        if relaying:
            tasks.add(asyncio.create_task(self.relay.run(), name="relay"))
        appointment = asyncio.create_task(
            appoint(self.admin_emails if appointing else (), database=self.database, sealer=self.door.sealer),
            name="appointment",
        )
        try:
            yield
        finally:
            appointment.cancel()
            self.relay.stop()
            self.housekeeping.stop()
            _, late = await asyncio.wait({*tasks, appointment}, timeout=GRACE_SECONDS)
            for each in late:
                each.cancel()
            await self.close()

    async def close(self) -> None:
        """Close the connections to Postgres and Redis, when what is loaded for the cache is there."""
        await self.door.watch.close()
        await self.database.close()
        await self.redis.aclose()
        await self.cache.close()
        await self.circuit.close()


def assemble(settings: AuthSettings) -> Parts:
    """Make the parts that `settings` describe."""
    wake, registry = asyncio.Event(), CollectorRegistry()
    ProcessCollector(registry=registry)
    redis = connect(settings)
    redis_up = Gauge(
        "auth_redis_up", "Whether Redis answered last (1) or not (0).", ["use"], registry=registry
    )
    circuit, memory_metrics = _circuit(settings, up=redis_up.labels("memory")), MemoryMetrics(registry)
    cache = Cache(circuit=circuit, secret=settings.all_peppers().key_for("cache"))
    database = Database(
        settings.sqlalchemy_url,
        connections=settings.postgres_connections,
        statement_timeout=timedelta(seconds=settings.statement_timeout),
        on_append=wake.set,
        on_touch=partial(drop_copies, cache=cache),
    )
    outbox_metrics = OutboxMetrics(registry, redis_up=redis_up.labels("streams"))
    rules, peppers = settings.rules(), settings.all_peppers()
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
            peppers=peppers,
            sealer=settings.sealer(),
            cookies=cookies,
            public_origin=settings.public_origin,
            return_origins=settings.return_origins,
            trusted_proxies=settings.trusted_proxies,
            delivery=DeliveryLook(database=database, redis=redis, clock=time.monotonic).look,
            metrics=ApiMetrics(registry),
            limits=Limits(
                shared=SharedWindows(circuit=circuit, secret=peppers.key_for("limits")),
                local=LocalWindows(),
                metrics=memory_metrics,
            ),
            policies=settings.policies(),
            watch=Watch(database=database, cache=cache, rules=rules, metrics=memory_metrics),
            grid=cached_grid(database=database, cache=cache, metrics=memory_metrics),
        ),
        health=Health(ask_postgres=database.answers, ask_redis=redis.ping),
        relay=Relay(
            database=database,
            redis=redis,
            wake=wake,
            metrics=outbox_metrics,
            sweep_every=timedelta(seconds=settings.relay_sweep),
            on_published=partial(drop_copies_told_of, cache=cache),
        ),
        housekeeping=Housekeeping(
            database=database,
            leftovers=leftovers(
                KeepTimes(session_idle=rules.session_idle, audit=timedelta(seconds=settings.audit_keep))
            ),
            metrics=HousekeepingMetrics(registry),
            every=timedelta(seconds=settings.housekeeping_every),
        ),
        admin_emails=settings.admin_emails,
        registry=registry,
        redis_up=redis_up,
        scrape_look=ScrapeLook(database=database, metrics=outbox_metrics),
        database=database,
        redis=redis,
        circuit=circuit,
        cache=cache,
    )


@asynccontextmanager
async def open_database(settings: AuthSettings) -> AsyncIterator[Database]:
    """Open the way to Postgres for a command, which tells the caches of all services what it changes."""
    up = Gauge("auth_redis_up", "Nobody looks at it.", registry=CollectorRegistry())
    circuit = _circuit(settings, up=up, patience=COMMAND_PATIENCE)
    cache = Cache(circuit=circuit, secret=settings.all_peppers().key_for("cache"))
    database = Database(settings.sqlalchemy_url, connections=1, on_touch=partial(drop_copies, cache=cache))
    try:
        yield database
    finally:
        await database.close()
        await cache.close()
        await circuit.close()


def _circuit(settings: AuthSettings, *, up: Gauge, patience: timedelta = PATIENCE) -> Circuit:
    url = settings.cache_redis_url or settings.redis_url
    return Circuit(url.get_secret_value(), up=up, patience=patience)


def connect(settings: AuthSettings) -> Redis:
    """Make the client for Redis: bounded, impatient, and without retries, which would double pipelines."""
    pool = redis_pool(
        settings.redis_url.get_secret_value(),
        socket_timeout=5,
        socket_connect_timeout=2,
        max_connections=REDIS_CONNECTIONS,
        decode_responses=True,
    )
    return Redis.from_pool(pool)
