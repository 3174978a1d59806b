"""SIGSTOP of a mailer for so long that others take it for dead, then SIGCONT."""

import asyncio
import signal
from collections.abc import Callable

import pytest

from tests.chaos.events import codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Fault, Phase, Rule, rules


@pytest.mark.parametrize(
    "silences",
    [
        pytest.param(1.5, id="within the deadline of its mails"),
        pytest.param(3.0, id="beyond the deadline of its mails"),
    ],
)
async def test_a_mailer_that_was_stopped_begins_and_settles_nothing_that_it_no_longer_owns(
    fleet: Fleet, tell: Callable[[str], None], silences: float
) -> None:
    # The server takes its time at every step: a mailer that wakes finds mails at each of them, with answers
    # still to come long after it has renewed its sign of life.
    fleet.smtp.plan = rules(
        Rule(Phase.MAIL, Fault(delay=0.3)),
        Rule(Phase.RCPT, Fault(delay=1.0)),
        Rule(Phase.CONTENT, Fault(delay=0.3)),
    )
    await fleet.start(2)
    stalled, _ = fleet.replicas
    events = codes(FORM.scaled(1000))
    publishing = asyncio.create_task(publish(fleet.redis, events, per_second=15))
    await fleet.smtp.wait_for(20, within=20)

    interruption = await fleet.stall(stalled)
    assert interruption.pending, "the mailer had nothing in hand when it was stopped"
    await asyncio.sleep(silences * FORM.silent_after)
    stalled.signal(signal.SIGCONT)
    await publishing
    await fleet.quiet(within=60)

    account = await reckon(fleet, events)
    tell(account.line(f"SIGSTOP for {silences * FORM.silent_after:.1f} s"))
    assert_each_sent(account)
    assert stalled.starts == 1
