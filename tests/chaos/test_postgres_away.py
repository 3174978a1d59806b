"""Postgres is gone for a while, with mails in flight."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio

from devstack.servers.origin import read_origin
from mailer_service.mailing import migrate
from tests.chaos.events import codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.chaos.servers import Server, own_postgres
from tests.support.fault_smtp import Fault, Phase, Rule, rules


@pytest_asyncio.fixture
async def postgres_server() -> AsyncIterator[Server]:
    """Start a Postgres of the test's own, with the mailer's tables."""
    origin = read_origin(os.environ.get("DEVSTACK_SERVERS"))
    with TemporaryDirectory(prefix="porter-postgres-") as place:  # its user may not enter pytest's folders
        server = await asyncio.to_thread(own_postgres, Path(place) / "postgres", origin=origin)
        await server.start()
        _, _, rest = server.url.partition("://")
        await asyncio.to_thread(migrate.upgrade, f"postgresql+asyncpg://{rest}")
        yield server
        await server.crash()


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """Let the fleet use the server that the test may take away."""
    return postgres_server.url


async def test_postgres_gone_with_mails_in_flight_loses_and_doubles_none(
    fleet: Fleet, postgres_server: Server, tell: Callable[[str], None]
) -> None:
    away = FORM.pick(short=5, long=20)
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.3)))
    await fleet.start(2)
    events = codes(FORM.scaled(2000))
    publishing = asyncio.create_task(publish(fleet.redis, events, per_second=50))
    await fleet.smtp.wait_for(30, within=20)
    await postgres_server.crash()
    await asyncio.sleep(away)
    await postgres_server.start()
    back_at = time.monotonic()
    await fleet.smtp.wait_for(len(fleet.smtp.accepted) + 1, within=60)
    waited = time.monotonic() - back_at
    await publishing
    await fleet.quiet(within=90)

    account = await reckon(fleet, events)
    tell(account.line(f"Postgres gone for {away:.0f} s", recovery=waited))
    assert_each_sent(account)
    assert account.copies == 0
