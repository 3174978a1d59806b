"""`kill -9` of one of two mailers, again and again, while mail flows."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from tests.chaos.events import codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.ledger import Delivery
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Fault, Phase, Rule, rules


@pytest.mark.parametrize(
    ("smtp_seconds", "count", "kill_every"),
    [
        # Each mailer dies before it has lived as long as the silence that others are judged by.
        pytest.param(0.05, 2000, FORM.pick(short=2.5, long=5), id="50ms"),
        pytest.param(1.5, int(FORM.pick(short=150, long=2000)), 5.0, id="1500ms"),
    ],
)
async def test_killing_a_mailer_every_few_seconds_loses_no_mail_and_doubles_none_without_cause(
    fleet: Fleet, tell: Callable[[str], None], smtp_seconds: float, count: int, kill_every: float
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=smtp_seconds)))
    await fleet.start(2)
    events = codes(count)
    publishing = asyncio.create_task(publish(fleet.redis, events, per_second=200))
    killing = asyncio.create_task(_kill_in_turn(fleet, every=kill_every))
    await publishing
    await _most_are_accepted(fleet, count)
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    await fleet.quiet(within=FORM.pick(short=40, long=240))

    account = await reckon(fleet, events)
    tell(account.line(f"kill -9 every {kill_every:g} s, SMTP takes {smtp_seconds * 1000:.0f} ms"))
    assert fleet.interruptions, "nothing was killed while mail was under way"
    dead = await fleet.ledger.deliveries("state = 'dead'")
    assert all(_died_of_three_kills(fleet, delivery) for delivery in dead)
    assert_each_sent(account, dead=len(dead))
    assert account.recovery_seconds < 3 * FORM.recovery


async def _kill_in_turn(fleet: Fleet, *, every: float) -> None:
    """Kill one mailer after the other, each once it is up again."""
    for replica in itertools.cycle(fleet.replicas):
        await asyncio.sleep(every)
        await replica.wait_up()
        await fleet.kill(replica)


async def _most_are_accepted(fleet: Fleet, count: int) -> None:
    """Wait until nine in ten mails are accepted: the last kill still finds some under way."""
    await fleet.smtp.wait_for(count * 9 // 10, within=FORM.timeout - 30)


def _died_of_three_kills(fleet: Fleet, delivery: Delivery) -> bool:
    """Tell whether a mail was in the hands of three mailers that were killed, and so was taken for poison."""
    kills = sum(delivery.event_id in interruption.pending for interruption in fleet.interruptions)
    return delivery.reason == "poisonous" and kills >= 3
