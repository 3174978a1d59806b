"""Redis forgets what it had accepted, all of it or its last second: outbox and ledger make up for it."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from contracts.events import AnyEvent, OtpRequested
from tests.chaos.events import a_code, a_notice, an_approval, codes
from tests.chaos.fleet import LANES, Fleet
from tests.chaos.form import FORM
from tests.chaos.outbox import add_relay, commit, commit_at_once, have_ended
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.chaos.servers import Server
from tests.support import append_only
from tests.support.fault_smtp import Asked, Fault, Phase
from tests.support.redis import ORIGINS
from tests.support.waiting import until

READING_AGAIN_SECONDS = 5.0
QUICK, SLOW = 0.05, 1.5
"""Seconds that the SMTP server takes for a mail: it is under way then, and hardly ever."""
LONG_WAITS = {"MAILER_BACKOFF_LOGIN": "10,10", "MAILER_BACKOFF_ACCOUNTS": "10,10"}
"""A retry that outlasts the scenario: only its republished event can be sent in time."""

Forget = Callable[[Server, Path], Awaitable[None]]


async def by_flush(server: Server, _: Path) -> None:
    """Forget everything, and break no connection."""
    async with Redis.from_url(server.url) as redis:
        await redis.flushall()


async def by_a_start_without_data(server: Server, folder: Path) -> None:
    """Die, and begin empty."""
    await server.crash()
    append_only.take_away(folder)
    await server.start()


async def by_a_cut_file(server: Server, folder: Path) -> None:
    """Die, and begin with all but the last second, in which something was written."""
    size = append_only.written(folder)
    async with Redis.from_url(server.url) as redis:
        began = await _time_of(redis)

        async def a_second_more_was_written() -> bool:
            return await _time_of(redis) >= began + 1 and append_only.written(folder) > size

        await until(a_second_more_was_written, within=20)
    await server.crash()
    append_only.cut_back(folder, to=size)
    await server.start()


FORGETTING: Sequence[Forget] = (by_flush, by_a_start_without_data, by_a_cut_file)
EVERY = list(itertools.product(FORGETTING, (QUICK, SLOW), ORIGINS))
"""Each way to forget, with each kind of SMTP server and of Redis; the short form crosses them."""
CROSSED = [case for case in EVERY if (case[1] == SLOW) == (case[2] == "redis")]


@pytest.mark.parametrize(
    ("forget", "smtp_seconds", "redis_server"),
    EVERY if FORM.name == "long" else CROSSED,
    ids=lambda part: part.__name__ if callable(part) else str(part),
    indirect=["redis_server"],
)
async def test_a_redis_that_forgets_in_mid_run_loses_and_doubles_no_mail(
    forget: Forget,
    smtp_seconds: float,
    redis_server: Server,
    fleet: Fleet,
    tmp_path: Path,
    tell: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    fleet.smtp.plan = _plan(smtp_seconds)
    await fleet.start(2, environment=LONG_WAITS)
    await add_relay(fleet).start()
    waiting = codes(5, name="deferred")
    refused = codes(3, name="refused")
    await commit(fleet, [*waiting, *refused])
    await until(lambda: _retries_wait(fleet, len(waiting)), within=20)
    await until(lambda: have_ended(fleet, len(refused)), within=20)

    slow = smtp_seconds == SLOW
    half = int(FORM.pick(short=40 if slow else 150, long=1000 if slow else 3000))
    backlog: list[AnyEvent] = [
        *codes(half, name="early"),
        *(an_approval(f"approved-{number}@example.org") for number in range(half)),
    ]
    notices = [a_notice([f"admin-{number}-{each}@example.org" for each in range(3)]) for number in range(3)]
    await commit_at_once(fleet, [*notices, *backlog])
    later = codes(int(FORM.pick(short=50, long=500)), name="late")
    committing = asyncio.create_task(commit(fleet, later, per_second=25))
    await fleet.smtp.wait_for(20, within=20)
    unsent = half * 2 - len(fleet.smtp.accepted)
    retries = await fleet.redis.zcard(LANES[0].delayed)
    await forget(redis_server, tmp_path / "redis")
    await fleet.redis.connection_pool.disconnect()  # of a server that was killed
    marker, waited = await _reading_again(fleet)

    await committing
    events = [*waiting, *refused, *backlog, *notices, *later, marker]
    mails = len(events) + 2 * len(notices)
    await until(lambda: have_ended(fleet, mails), within=FORM.pick(short=60, long=600), every=0.5)
    await fleet.quiet(within=60)
    account = replace(await reckon(fleet, events), events=mails)
    tell(account.line(f"{request.node.callspec.id}, {unsent} + {retries} unsent", recovery=waited))
    assert unsent > 0
    assert retries > 0
    assert_each_sent(account, dead=len(refused))
    assert account.copies == 0
    assert waited < 3 * READING_AGAIN_SECONDS


def _plan(seconds: float) -> Callable[[Asked], Fault | None]:
    """Put off some recipients once, refuse others for good, and take `seconds` for each mail."""

    def plan(asked: Asked) -> Fault | None:
        if asked.phase is Phase.CONTENT:
            return Fault(delay=seconds)
        if asked.phase is Phase.RCPT and asked.recipient.startswith("deferred") and asked.seen == 1:
            return Fault("451 4.3.0 Try again later")
        if asked.phase is Phase.RCPT and asked.recipient.startswith("refused"):
            return Fault("550 5.7.1 Refused by policy")
        return None

    return plan


async def _retries_wait(fleet: Fleet, count: int) -> bool:
    return bool(await fleet.redis.zcard(LANES[0].delayed) == count)


async def _reading_again(fleet: Fleet) -> tuple[OtpRequested, float]:
    """Ask for one more code, and tell how many seconds it took until a mailer read on."""
    began = time.monotonic()
    before = await _last_read(fleet)
    marker = a_code("marker@example.org")
    await commit(fleet, [marker])

    async def has_read_on() -> bool:
        return await _last_read(fleet) not in {"", before}

    await until(has_read_on, within=30)
    return marker, time.monotonic() - began


async def _time_of(redis: "Redis") -> float:
    """Tell a server's own time, in seconds."""
    seconds, microseconds = await redis.time()
    return float(seconds + microseconds / 1e6)


async def _last_read(fleet: Fleet) -> str:
    """Name the login stream's last entry that was read; empty while there is none, or no group."""
    try:
        (group,) = await fleet.redis.xinfo_groups(LANES[0].facts)
    except (ResponseError, ValueError):
        return ""
    last = str(group["last-delivered-id"])
    return last if await fleet.redis.xrange(LANES[0].facts, last, last) else ""  # a new group begins at none
