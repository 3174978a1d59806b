"""A backup of Postgres, taken and restored as docs/operations.md says, and an empty Redis beside it."""

import asyncio
import os
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from contracts.events import AnyEvent
from devstack.servers.origin import read_origin
from devstack.servers.postgres import find_binaries
from tests.chaos.events import an_approval, codes
from tests.chaos.fleet import LANES, Fleet
from tests.chaos.form import FORM
from tests.chaos.ledger import Ledger
from tests.chaos.outbox import add_relay, commit_at_once, have_ended
from tests.chaos.servers import own_redis
from tests.support.fault_smtp import Asked, Fault, Phase
from tests.support.pages import shell_words
from tests.support.postgres import Databases
from tests.support.redis import ORIGINS
from tests.support.waiting import until

PAGE = "operations.md"
DEFERRED, REFUSED = 5, 3
LONG_WAITS = {"MAILER_BACKOFF_LOGIN": "20,20", "MAILER_BACKOFF_ACCOUNTS": "20,20"}
"""A retry that outlasts the first fleet: only its republished event can be sent."""


@pytest.fixture
def second_postgres_url(databases: Databases) -> Iterator[str]:
    """Lend an empty database to restore into."""
    with databases.fresh() as url:
        yield url


async def test_a_stopped_porter_restored_beside_an_empty_redis_loses_and_doubles_no_mail(
    fleet: Fleet, second_postgres_url: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    events = await _work_half_done(fleet)
    statuses = await asyncio.gather(*(replica.terminate(within=40) for replica in fleet.replicas))
    assert set(statuses) == {0}
    _dump(fleet.database_url, tmp_path)
    sent_before = len(fleet.smtp.accepted)
    retries = await fleet.redis.zcard(LANES[0].delayed)

    _restore(second_postgres_url, tmp_path)
    async with _moved_to(second_postgres_url, fleet, tmp_path):
        began = time.monotonic()
        await until(lambda: have_ended(fleet, len(events)), within=FORM.pick(short=90, long=300), every=0.2)
        took = time.monotonic() - began
        await fleet.quiet(within=60)
        states = await fleet.ledger.states()
    copies = Counter(mail.recipient for mail in fleet.smtp.accepted)
    tell(
        f"restored beside an empty Redis: events={len(events)} sent before={sent_before} "
        f"waiting for a retry={retries} all done after {took:.1f}s copies={copies.total() - len(copies)}"
    )
    assert 0 < sent_before < len(events) - REFUSED
    assert retries == DEFERRED
    assert states == {"sent": len(events) - REFUSED, "dead": REFUSED}
    assert len(copies) == len(events) - REFUSED
    assert set(copies.values()) == {1}


async def test_a_backup_taken_under_load_repeats_only_what_was_sent_after_it(
    fleet: Fleet, second_postgres_url: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    events = await _work_half_done(fleet)
    recorded = {each.recipient for each in await fleet.ledger.deliveries("state = 'sent'")}
    await asyncio.to_thread(_dump, fleet.database_url, tmp_path)
    await fleet.smtp.wait_for(len(fleet.smtp.accepted) + 20, within=20)
    await fleet.end()  # and the machine that it was on is gone

    await asyncio.to_thread(_restore, second_postgres_url, tmp_path)
    async with _moved_to(second_postgres_url, fleet, tmp_path):
        await until(lambda: have_ended(fleet, len(events)), within=FORM.pick(short=90, long=300), every=0.2)
        states = await fleet.ledger.states()
    copies = Counter(mail.recipient for mail in fleet.smtp.accepted)
    again = {recipient for recipient, count in copies.items() if count > 1}
    tell(f"restored from a backup under load: events={len(events)} sent again={len(again)}")
    assert states == {"sent": len(events) - REFUSED, "dead": REFUSED}
    assert len(copies) == len(events) - REFUSED
    assert not again & recorded
    assert max(copies.values()) == 2


async def _work_half_done(fleet: Fleet) -> list[AnyEvent]:
    """Commit a backlog, and come back when some of it is sent, some refused, and some waits for a retry."""
    fleet.smtp.plan = _plan
    await fleet.start(2, environment=LONG_WAITS)
    await add_relay(fleet).start()
    first = [*codes(DEFERRED, name="deferred"), *codes(REFUSED, name="refused")]
    await commit_at_once(fleet, first)
    await until(lambda: _so_many_wait(fleet, DEFERRED), within=20)
    await until(lambda: have_ended(fleet, REFUSED), within=20)
    half = int(FORM.pick(short=300, long=1000))
    backlog: list[AnyEvent] = [
        *codes(half),
        *(an_approval(f"approved-{number}@example.org") for number in range(half)),
    ]
    await commit_at_once(fleet, backlog)
    await fleet.smtp.wait_for(30, within=20)
    return [*first, *backlog]


def _plan(asked: Asked) -> Fault | None:
    """Put off some recipients once, refuse others for good, and take a while for each mail."""
    if asked.phase is Phase.CONTENT:
        return Fault(delay=0.5)
    if asked.phase is Phase.RCPT and asked.recipient.startswith("deferred") and asked.seen == 1:
        return Fault("451 4.3.0 Try again later")
    if asked.phase is Phase.RCPT and asked.recipient.startswith("refused"):
        return Fault("550 5.7.1 Refused by policy")
    return None


async def _so_many_wait(fleet: Fleet, count: int) -> bool:
    return bool(await fleet.redis.zcard(LANES[0].delayed) == count)


@asynccontextmanager
async def _moved_to(database_url: str, fleet: Fleet, folder: Path) -> AsyncIterator[None]:
    """Let a new fleet run on the restored database, beside a Redis that has nothing."""
    place = folder / "second-redis"
    place.mkdir()
    server = own_redis(place, origin=ORIGINS["valkey"])
    await server.start()
    former, fleet.redis = fleet.redis, Redis.from_url(server.url, decode_responses=True)
    fleet.database_url, fleet.redis_url, fleet.ledger = database_url, server.url, Ledger(database_url)
    fleet.replicas.clear()
    try:
        await fleet.start(2)
        await add_relay(fleet, name="second-relay").start()
        yield
    finally:
        await fleet.end()
        await fleet.redis.aclose()
        fleet.redis = former
        await server.crash()


def _dump(database_url: str, folder: Path) -> None:
    _run(shell_words(PAGE, "pg_dump"), folder, BACKUP_URL=database_url)


def _restore(database_url: str, folder: Path) -> None:
    _run(shell_words(PAGE, "pg_restore"), folder, BACKUP_URL=database_url)


def _run(command: str, folder: Path, **settings: str) -> None:
    """Run a line of the page with the tools of the Postgres that the tests use."""
    tools = find_binaries(read_origin(os.environ.get("DEVSTACK_SERVERS")))
    done = subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=folder,
        env={"PATH": f"{tools}:{os.environ['PATH']}", **settings},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
