"""The master dies, or hangs, under load, and its replica is made master: mail and sign-ins go on."""

import asyncio
import itertools
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts.events import AnyEvent
from contracts.redis_pools import redis_pool
from tests.chaos.events import a_notice, an_approval, codes
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.outbox import add_relay, commit, have_ended
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.redis import ORIGINS
from tests.support.redis_users import refused
from tests.support.waiting import until
from tests.support.watched_redis import AGREED_WITHIN_SECONDS, WatchedRedis, watched_redis

DOWN_BY = {"killed": signal.SIGKILL, "hanging": signal.SIGSTOP}

EVERY = list(itertools.product(DOWN_BY, ORIGINS))
CROSSED = [("killed", "redis"), ("hanging", "valkey")]
"""The short form takes each way once."""


@pytest_asyncio.fixture
async def watched(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WatchedRedis]:
    """Lend a master, a replica that has synced, and three Sentinels."""
    async with watched_redis(request.param, tmp_path / "watched") as servers:
        yield servers


@pytest_asyncio.fixture
async def fleet(
    tmp_path: Path, postgres_url: str, watched: WatchedRedis, smtp: FaultSmtp
) -> AsyncIterator[Fleet]:
    """Lend a fleet that finds Redis by its Sentinels."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    client = Redis.from_pool(redis_pool(watched.url, decode_responses=True, socket_timeout=5))
    lent = Fleet(folder=folder, database_url=postgres_url, redis_url=watched.url, redis=client, smtp=smtp)
    try:
        yield lent
        async with Redis.from_url((await watched.master()).url) as looking:
            assert await refused(looking) == []
    finally:
        await lent.end()
        await client.aclose()


@pytest.mark.parametrize(
    ("down_by", "watched"), EVERY if FORM.name == "long" else CROSSED, indirect=["watched"]
)
async def test_a_failover_under_load_loses_and_doubles_no_mail(
    down_by: str,
    watched: WatchedRedis,
    fleet: Fleet,
    tell: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.1)))
    await fleet.start(2)
    await add_relay(fleet).start()
    events: list[AnyEvent] = [
        *codes(int(FORM.pick(short=600, long=4000))),
        *(an_approval(f"approved-{number}@example.org") for number in range(100)),
    ]
    notices = [a_notice([f"admin-{number}-{each}@example.org" for each in range(3)]) for number in range(3)]
    events[100:100] = notices
    committing = asyncio.create_task(commit(fleet, events, per_second=60))
    await fleet.smtp.wait_for(100, within=30)
    former = await watched.master()
    before = len(fleet.smtp.accepted)
    began = time.monotonic()
    former.signal(DOWN_BY[down_by])
    await until(lambda: watched.has_moved_from(former), within=AGREED_WITHIN_SECONDS, every=0.05)
    moved = time.monotonic() - began
    await until(lambda: len(fleet.smtp.accepted) > before + 50, within=60)
    went_on = time.monotonic() - began
    if down_by == "killed":
        await former.kill()
        await former.start()
    else:
        former.signal(signal.SIGCONT)
    await until(lambda: watched.has_synced(former), within=60)

    await committing
    mails = len(events) + 2 * len(notices)
    await until(lambda: have_ended(fleet, mails), within=90, every=0.2)
    await fleet.quiet(within=60)
    account = await reckon(fleet, events)
    tell(account.line(f"failover, {request.node.callspec.id}, moved in {moved:.1f}s", recovery=went_on))
    assert account.copies == 0
    assert len(account.accepted) == mails
    assert account.states == {"sent": mails}


@pytest.mark.parametrize("watched", list(ORIGINS) if FORM.name == "long" else ["redis"], indirect=True)
async def test_a_second_failover_back_finds_the_first_master_again(
    watched: WatchedRedis, fleet: Fleet, tell: Callable[[str], None]
) -> None:
    await fleet.start(1)
    await add_relay(fleet).start()
    first = await watched.master()
    there, back = codes(50, name="there"), codes(50, name="back")
    await _fail_over_amid(there, watched=watched, fleet=fleet, ended=50)
    assert await watched.master() is not first
    await _fail_over_amid(back, watched=watched, fleet=fleet, ended=100)
    assert await watched.master() is first
    await fleet.quiet(within=60)
    account = await reckon(fleet, [*there, *back])
    tell(account.line("there and back"))
    assert_each_sent(account)
    assert account.copies == 0


async def _fail_over_amid(
    events: Sequence[AnyEvent], *, watched: WatchedRedis, fleet: Fleet, ended: int
) -> None:
    """Commit half of the events, kill the master, commit the rest, and bring what was killed back."""
    former = await watched.master()
    await commit(fleet, events[:25])
    await former.kill()
    await commit(fleet, events[25:])
    await until(partial(watched.has_moved_from, former), within=AGREED_WITHIN_SECONDS)
    await until(partial(have_ended, fleet, ended), within=60, every=0.2)
    await former.start()
    await until(partial(watched.has_synced, former), within=60)
    await until(watched.is_watched, within=60, every=0.1)
