"""Mailers on real servers: started, killed, stalled, and looked at from outside."""

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

import httpx
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from contracts import streams
from devstack.ports import free_port
from devstack.program import Program
from mailer_service.consuming.backoff import LOGIN_BACKOFF
from mailer_service.consuming.lanes import Lane
from tests.chaos.events import KEY
from tests.chaos.form import FORM
from tests.chaos.ledger import Ledger
from tests.chaos.replica import Replica
from tests.support.fault_smtp import FaultSmtp
from tests.support.redis_users import as_user
from tests.support.waiting import until

LANES = tuple(Lane(stream, slots=1, backoff=LOGIN_BACKOFF) for stream in streams.STREAMS)
Entries = list[tuple[str, dict[str, str]]]
RUN = ("-m", "mailer_service.cli", "run")


@dataclass(frozen=True, slots=True)
class Interruption:
    """What a mailer had in hand when it was killed or stopped."""

    consumer: str
    at: datetime
    pending: frozenset[UUID]
    """Events that pended under its name."""
    under_way: frozenset[str]
    """Recipients whose DATA had begun, and whose mail the ledger did not have as sent."""


@dataclass
class Fleet:
    """Everything a scenario needs. `redis` is a client of the same server that the mailers use."""

    folder: Path
    database_url: str
    redis_url: str
    redis: "Redis"
    smtp: FaultSmtp
    ledger: Ledger = field(init=False)
    replicas: list[Replica] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    interruptions: list[Interruption] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.database_url)

    async def start(
        self,
        count: int,
        *,
        command: Sequence[str] = RUN,
        environment: Mapping[str, str] | None = None,
        redis_url: str | None = None,
    ) -> None:
        """Start mailers and wait until they read. They reach Redis by `redis_url` where that is given."""
        started = [
            self.add(command=command, environment=environment, redis_url=redis_url) for _ in range(count)
        ]
        for replica in started:
            await replica.start()

    def add(
        self,
        *,
        name: str | None = None,
        command: Sequence[str] = RUN,
        started: bytes = b'"mailer_started"',
        environment: Mapping[str, str] | None = None,
        redis_url: str | None = None,
    ) -> Replica:
        """Describe one more process, not started yet; it is up once it has written `started`."""
        name = name or f"mailer-{len(self.replicas) + 1}"
        self.ports[name] = free_port()
        settings = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": as_user("mailer", redis_url or self.redis_url),
            "SEALING_KEYS": KEY,
            "PUBLIC_URL": "https://login.example.org",
            "LOG_FORMAT": "json",
            "MAILER_SMTP_URL": self.smtp.url,
            "MAILER_FROM": "Porter <porter@example.org>",
            "MAILER_PORT": str(self.ports[name]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **FORM.environment,
            **(environment or {}),
        }
        program = Program(
            name=name, command=(sys.executable, *command), folder=self.folder, environment=settings
        )
        replica = Replica(program, started=started)
        self.replicas.append(replica)
        return replica

    async def kill(self, replica: Replica) -> Interruption:
        """End a mailer by SIGKILL; it is started again under a new name."""
        consumer = replica.consumer
        await replica.kill()
        return await self.note(consumer)

    async def stall(self, replica: Replica) -> Interruption:
        """Stop a mailer by SIGSTOP, until SIGCONT."""
        replica.signal(signal.SIGSTOP)
        return await self.note(replica.consumer)

    async def note(self, consumer: str) -> Interruption:
        """Note what a mailer that does nothing any more had in hand."""
        now, at = time.monotonic(), datetime.now(UTC)
        sending = await self.ledger.deliveries("state = 'sending' AND owner = $1", consumer)
        begun = {data.recipient for data in self.smtp.data_begun if data.begun_at <= now}
        interruption = Interruption(
            consumer=consumer,
            at=at,
            pending=await self._pending(consumer),
            under_way=frozenset(delivery.recipient for delivery in sending) & begun,
        )
        self.interruptions.append(interruption)
        return interruption

    async def end(self) -> None:
        """End every mailer for good."""
        for replica in self.replicas:
            await replica.end()

    async def metric(self, replica: Replica, name: str) -> float:
        """Read one sample of `/metrics`, with its labels as it is written there."""
        async with httpx.AsyncClient() as client:
            page = await client.get(f"http://127.0.0.1:{self.ports[replica.program.name]}/metrics")
        lines = (line.rpartition(" ") for line in page.text.splitlines())
        values = [float(value) for sample, _, value in lines if sample == name]
        assert values, f"{name} is not among the metrics"
        return values[0]

    async def quiet(self, *, within: float) -> None:
        """Wait until nothing is unread, pending, delayed or suspected in any lane."""
        try:
            await until(self._is_quiet, within=within, every=0.1)
        except AssertionError as late:
            raise AssertionError(f"{late}; {await self._left()}") from late

    async def _is_quiet(self) -> bool:
        for lane in LANES:
            if await self.redis.zcard(lane.delayed):
                return False
            if await self.redis.xlen(lane.retry) or await self.redis.xlen(lane.suspects):
                return False
            if await self.redis.xlen(lane.facts) and not await self._is_finished(lane):
                return False
        return True

    async def _left(self) -> str:
        """Tell what keeps it from being quiet, in Redis and on the ledger."""
        left: list[object] = []
        for lane in LANES:
            left.append((lane.name, "delayed", await self.redis.zrange(lane.delayed, 0, 5, withscores=True)))
            for key in lane.read_keys:
                if await self.redis.exists(key):
                    newest = (await self.redis.xinfo_stream(key))["last-generated-id"]
                    pending = await self.redis.xpending_range(key, lane.group, "-", "+", count=10)
                    left.append((key, newest, await self.redis.xinfo_groups(key), pending))
        left.append(await self.ledger.deliveries("state NOT IN ('sent', 'dead', 'expired', 'suppressed')"))
        return "\n".join(map(repr, left))

    async def _is_finished(self, lane: Lane) -> bool:
        """Whether every fact was read and acknowledged. A group that is gone has not finished."""
        try:
            groups = await self.redis.xinfo_groups(lane.facts)
        except ResponseError:
            return False
        group = next((group for group in groups if group["name"] == lane.group), None)
        newest = (await self.redis.xinfo_stream(lane.facts))["last-generated-id"]
        return group is not None and not group["pending"] and group["last-delivered-id"] == newest

    async def _pending(self, consumer: str) -> frozenset[UUID]:
        found = set()
        for lane in LANES:
            for key in lane.read_keys:
                pending = await self.redis.xpending_range(
                    key, lane.group, "-", "+", count=10_000, consumername=consumer
                )
                for item in pending:
                    entries = cast("Entries", await self.redis.xrange(key, item["message_id"], count=1))
                    found |= {UUID(fields["id"]) for _, fields in entries}
        return frozenset(found)
