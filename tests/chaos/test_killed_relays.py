"""Relays end by `kill -9`: at any moment, and at each step of what they do."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.events import AnyEvent
from tests.chaos.dying_relay import PLACES, noted
from tests.chaos.events import a_code, an_approval, codes
from tests.chaos.fleet import LANES, Fleet
from tests.chaos.form import FORM
from tests.chaos.outbox import add_relay, commit, commit_at_once, have_ended
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.chaos.replica import Replica
from tests.support.fault_smtp import Fault, Phase, Rule, rules
from tests.support.redis import ORIGINS
from tests.support.waiting import until

KILL_EVERY_SECONDS = 2.0
FLUSH_EVERY_SECONDS = 1.5
SERVERS = list(ORIGINS) if FORM.name == "long" else ["redis"]


async def test_killing_the_relay_every_2_seconds_loses_and_doubles_no_mail(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.05)))
    await fleet.start(2)
    relay = add_relay(fleet, environment={"AUTH_RELAY_SWEEP": "0.05"})
    await relay.start()
    events = codes(int(FORM.pick(short=500, long=5000)))
    killing = asyncio.create_task(_kill_again_and_again(relay))
    await commit(fleet, events, per_second=80)
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    await until(lambda: have_ended(fleet, len(events)), within=30, every=0.2)
    await fleet.quiet(within=60)

    account = await reckon(fleet, events)
    published = await fleet.redis.xlen(LANES[0].facts)
    again = published - len(events)
    tell(account.line(f"kill -9 of the relay, {relay.starts - 1} times, {again} events again"))
    assert relay.starts > 2
    assert_each_sent(account)
    assert account.copies == 0


@pytest.mark.parametrize("redis_server", SERVERS, indirect=True)
async def test_two_relays_that_die_at_each_step_while_redis_forgets_lose_and_double_no_mail(
    fleet: Fleet, tmp_path: Path, tell: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.05)))
    await fleet.start(2)
    deaths = len(PLACES) * int(FORM.pick(short=1, long=6))
    notes = [tmp_path / f"deaths-{number}" for number in range(2)]
    relays = [_dying_relay(fleet, each, deaths=deaths) for each in notes]
    half = int(FORM.pick(short=75, long=500))
    events: list[AnyEvent] = [
        *codes(half, name="early"),
        *(an_approval(f"approved-{number}@example.org") for number in range(half)),
    ]
    await commit_at_once(fleet, events)
    await asyncio.gather(*(relay.start() for relay in relays))
    have_died = asyncio.Event()
    committing = asyncio.create_task(_commit_until(have_died, fleet, events))
    flushes = await _flush_until(fleet, lambda: all(len(noted(each)) >= deaths for each in notes))
    have_died.set()
    await committing
    await until(lambda: have_ended(fleet, len(events)), within=60, every=0.2)
    await fleet.quiet(within=60)

    account = await reckon(fleet, events)
    died = Counter(itertools.chain.from_iterable(map(noted, notes)))
    kind = request.node.callspec.id
    tell(account.line(f"two relays, {died.total()} deaths, {flushes} FLUSHALLs ({kind})"))
    assert died == dict.fromkeys(PLACES, 2 * deaths // len(PLACES))
    assert_each_sent(account)
    assert account.copies == 0


def _dying_relay(fleet: Fleet, notes: Path, *, deaths: int) -> Replica:
    return add_relay(
        fleet,
        name=f"relay-{notes.name}",
        command=("-m", "tests.chaos.dying_relay"),
        environment={
            "AUTH_RELAY_SWEEP": "0.1",
            "DYING_NOTES": str(notes),
            "DYING_TIMES": str(deaths),
            "DYING_FROM": notes.name[-1],
        },
    )


async def _flush_until(fleet: Fleet, condition: Callable[[], bool]) -> int:
    """Empty Redis again and again until a condition holds, and once more; tells how often."""
    for flushes in itertools.count(1):
        await fleet.redis.flushall()
        if condition():
            return flushes
        await asyncio.sleep(FLUSH_EVERY_SECONDS)
    raise AssertionError


async def _kill_again_and_again(relay: Replica) -> None:
    """Kill it each time that it has been up for so long: one that never came up would do nothing wrong."""
    while True:
        await asyncio.sleep(KILL_EVERY_SECONDS)
        await relay.kill()
        await relay.wait_up()


async def _commit_until(enough: asyncio.Event, fleet: Fleet, events: list[AnyEvent]) -> None:
    """Commit more and more events, and add them to those that are known."""
    for number in itertools.count():
        if enough.is_set():
            return
        events.append(a_code(f"late-{number}@example.org"))
        await commit(fleet, events[-1:], per_second=20)
