"""A mail was handed over whole, and the connection died before the 250."""

from collections.abc import Callable

from tests.chaos.events import a_code, codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import reckon
from tests.support.fault_smtp import Fault, Phase, Rule, rules


async def test_an_unclear_mail_is_tried_once_more_under_the_same_name_and_then_unconfirmed(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    unclear = "unclear@example.org"
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(drop_before=True), recipient=unclear))
    await fleet.start(2)
    events = [a_code(unclear), *codes(20)]
    await publish(fleet.redis, events)
    await fleet.quiet(within=FORM.pick(short=30, long=60))

    account = await reckon(fleet, events)
    tell(account.line("the connection dropped before 250"))
    copies = [mail.message_id for mail in fleet.smtp.accepted if mail.recipient == unclear]
    assert len(copies) == 2
    assert len(set(copies)) == 1
    assert account.states == {"sent": 20, "unconfirmed": 1}
    assert account.doubled == {unclear: 1}
    (delivery,) = await fleet.ledger.deliveries("state = 'unconfirmed'")
    assert delivery.recipient == unclear
