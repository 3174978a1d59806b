"""A backlog of notices, and then codes."""

from collections.abc import Callable

from tests.chaos.events import an_approval, codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Fault, Phase, Rule, rules
from tests.support.waiting import until


async def test_codes_overtake_a_backlog_of_notices(fleet: Fleet, tell: Callable[[str], None]) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=0.1)))
    waiting = int(FORM.pick(short=600, long=5000))
    notices = [an_approval(f"member-{number}@example.org") for number in range(waiting)]
    urgent = codes(50)
    await publish(fleet.redis, notices, per_second=5000)
    await fleet.start(1)
    await fleet.smtp.wait_for(20, within=20)
    await publish(fleet.redis, urgent)

    def codes_accepted() -> bool:
        return sum(mail.recipient.startswith("person-") for mail in fleet.smtp.accepted) == len(urgent)

    await until(codes_accepted, within=60)
    sent_before = sum(mail.recipient.startswith("member-") for mail in fleet.smtp.accepted)
    assert sent_before < waiting // 2
    await fleet.quiet(within=FORM.timeout - 30)

    account = await reckon(fleet, [*notices, *urgent])
    tell(account.line(f"50 codes overtook {waiting - sent_before} of {waiting} notices"))
    assert_each_sent(account)
