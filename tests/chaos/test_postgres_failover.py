"""The primary is lost and a standby promoted that lacks its last commits: nothing that it has is lost."""

import asyncio
import os
import secrets
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from contracts.events import AnyEvent
from devstack.answers import postgres_answers
from devstack.ports import free_port
from devstack.servers.identity import hand_over
from devstack.servers.origin import read_origin
from devstack.servers.postgres import Postgres, initialise
from tests.chaos.events import an_approval, codes
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.outbox import add_relay, commit
from tests.chaos.servers import KEEPS_COMMITS, Server
from tests.support.cable import Cable
from tests.support.fault_smtp import Fault, Phase, Rule, rules
from tests.support.postgres import MIGRATIONS
from tests.support.waiting import until

HOST = "127.0.0.1"
LOST = 10
"""So many events are committed when the standby hears of nothing any more."""


@dataclass
class Pair:
    """A primary that everybody reaches by `cable`, and a standby that follows it by `wire`."""

    primary: Postgres
    standby: Postgres
    cable: Cable
    wire: Cable
    servers: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address that stays."""
        return replace(self.primary, port=self.cable.port).url()

    async def start(self) -> None:
        """Start the primary, make its tables, and let the standby begin as a copy of it."""
        await self._start(self.primary)
        _, _, rest = self.primary.url().partition("://")
        for service in MIGRATIONS:
            await asyncio.to_thread(import_module(service).upgrade, f"postgresql+asyncpg://{rest}")
        await asyncio.to_thread(_copy, self.primary, self.standby, by=self.wire)
        await self._start(self.standby)

    async def fail_over(self) -> None:
        """Lose the primary, promote the standby, and let the address lead there."""
        await self.cable.cut()
        await self.servers[0].crash()
        connection = await asyncpg.connect(self.standby.url())
        try:
            assert await connection.fetchval("SELECT pg_promote(true, 30)")
        finally:
            await connection.close()
        self.cable.lead_to(HOST, self.standby.port)
        await self.cable.mend()

    async def _start(self, postgres: Postgres) -> None:
        program = postgres.program(KEEPS_COMMITS)
        server = Server(postgres.url(), program, answers=postgres_answers, crash=signal.SIGQUIT)
        self.servers.append(server)
        await server.start()


def _copy(primary: Postgres, standby: Postgres, *, by: Cable) -> None:
    """Copy the primary as it runs (pg_basebackup), set to follow it through a cable."""
    options = standby.program().start_options()
    environment = {**options.pop("env"), "PGPASSWORD": primary.password}
    command = (
        *(str(primary.binaries / "pg_basebackup"), "--pgdata", str(standby.data), "--checkpoint=fast"),
        *("--write-recovery-conf", "--host", HOST, "--port", str(by.port), "--username", "porter"),
    )
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env=environment, **options
    )
    assert done.returncode == 0, done.stderr


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    """Lend a primary and its standby, with both services' tables."""
    with TemporaryDirectory(prefix="porter-postgres-") as place:  # its user may not enter pytest's folders
        primary = await asyncio.to_thread(
            initialise,
            folder=Path(place) / "primary",
            port=free_port(),
            password=secrets.token_urlsafe(12),
            origin=read_origin(os.environ.get("DEVSTACK_SERVERS")),
        )
        standby = replace(primary, folder=Path(place) / "standby", port=free_port())
        hand_over(standby.folder, to=standby.user)
        async with Cable(HOST, primary.port) as cable, Cable(HOST, primary.port) as wire:
            lent = Pair(primary, standby, cable, wire)
            try:
                await lent.start()
                yield lent
            finally:
                for server in reversed(lent.servers):
                    await server.crash()


@pytest.fixture
def postgres_url(pair: Pair) -> str:
    """Let the fleet use the address that stays."""
    return pair.url


async def test_a_standby_without_the_last_commits_loses_nothing_that_it_has(
    pair: Pair, fleet: Fleet, tell: Callable[[str], None]
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.2)))
    await fleet.start(2)
    await add_relay(fleet).start()
    half = int(FORM.pick(short=80, long=600))
    events: list[AnyEvent] = [
        *codes(half),
        *(an_approval(f"approved-{number}@example.org") for number in range(half)),
    ]
    committing = asyncio.create_task(commit(fleet, events, per_second=100))
    await fleet.smtp.wait_for(40, within=20)
    await committing
    recorded = {each.recipient for each in await fleet.ledger.deliveries("state = 'sent'")}
    written = await _ask(pair.primary.url(), "SELECT pg_current_wal_lsn()::text")
    await until(
        lambda: _ask(pair.standby.url(), "SELECT pg_last_wal_receive_lsn() >= $1::text::pg_lsn", written),
        within=20,
    )
    await pair.wire.cut()
    await commit(fleet, codes(LOST, name="lost"))
    await fleet.smtp.wait_for(len(fleet.smtp.accepted) + 10, within=20)
    await pair.fail_over()

    assert await _has(pair.url, len(events))
    await commit(fleet, [*codes(1, name="after")])
    await until(
        lambda: any(mail.recipient == "after-0@example.org" for mail in fleet.smtp.accepted), within=60
    )
    await fleet.quiet(within=FORM.pick(short=90, long=300))
    copies = Counter(mail.recipient for mail in fleet.smtp.accepted)
    again = {recipient for recipient, count in copies.items() if count > 1}
    lost = sum(recipient.startswith("lost-") for recipient in copies)
    tell(
        f"failover to a standby without the last commits: events={len(events)} "
        f"recorded before={len(recorded)} sent again={len(again)} "
        f"records lost={len(events) - await _recorded(fleet, events)} of {LOST} events lost {lost} were sent"
    )
    assert not again & recorded
    assert max(copies.values()) <= 2
    assert len(copies) - lost - 1 == len(events)
    assert len({mail.message_id for mail in fleet.smtp.accepted}) == len(copies)


async def _has(url: str, count: int) -> bool:
    """Tell whether a server has exactly so many events."""
    return bool(await _ask(url, "SELECT count(*) FROM auth.outbox") == count)


async def _ask(url: str, query: str, *values: object) -> Any:  # noqa: ANN401 - whatever is asked for
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query, *values)
    finally:
        await connection.close()


async def _recorded(fleet: Fleet, events: Sequence[AnyEvent]) -> int:
    """Count the events that the ledger has as sent; a record that was lost, nobody writes again."""
    sent = {each.event_id for each in await fleet.ledger.deliveries("state = 'sent'")}
    return len(sent & {event.id for event in events})
