"""One event for several administrators: each has a mail and a fate of their own."""

from collections import Counter
from collections.abc import Callable

from tests.chaos.events import a_notice, publish
from tests.chaos.fleet import Fleet
from tests.chaos.reckoning import reckon
from tests.support.fault_smtp import Fault, Phase, Rule, rules


async def test_of_three_administrators_the_refused_one_is_dead_and_the_others_have_one_mail_each(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    refused = "gone@example.org"
    others = ["ada@example.org", "grace@example.org"]
    fleet.smtp.plan = rules(Rule(Phase.RCPT, Fault("550 5.1.1 No such user"), recipient=refused))
    await fleet.start(2)
    event = a_notice([others[0], refused, others[1]])
    await publish(fleet.redis, [event])
    await fleet.smtp.wait_for(2, within=15)
    await fleet.quiet(within=15)

    account = await reckon(fleet, [event])
    tell(account.line("one event to three administrators, one refused"))
    assert account.accepted == Counter(others)
    assert account.states == {"sent": 2, "dead": 1}
    (dead,) = await fleet.ledger.deliveries("state = 'dead'")
    assert (dead.recipient, dead.attempts) == (refused, 1)
