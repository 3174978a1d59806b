"""SIGTERM, once and twice, with mails in flight."""

import signal
from collections.abc import Callable

from tests.chaos.events import codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Asked, Fault, Phase, Rule, healthy, rules
from tests.support.waiting import until

ROOM = {"MAILER_SMTP_CONNECTIONS": "60", "MAILER_DRAIN": "20"}


async def test_a_mailer_told_to_stop_finishes_50_mails_in_flight_and_leaves_the_rest_to_others(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=2.0)))
    await fleet.start(1, environment=ROOM)
    events = codes(100)
    await publish(fleet.redis, events)
    await until(lambda: _under_way(fleet) >= 50, within=20)

    status = await fleet.replicas[0].terminate(within=40)
    assert status == 0
    assert await fleet.ledger.states() == {"sent": len(fleet.smtp.accepted)}
    assert len(fleet.smtp.accepted) < len(events)
    await fleet.start(1, environment=ROOM)
    await fleet.quiet(within=30)

    account = await reckon(fleet, events)
    tell(account.line("SIGTERM with 50 in flight"))
    assert_each_sent(account)
    assert account.copies == 0
    assert {delivery.attempts for delivery in await fleet.ledger.deliveries()} == {1}


async def test_a_mailer_told_twice_to_stop_answers_what_has_begun_and_hands_back_the_rest(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    def half_are_slow_to_begin(asked: Asked) -> Fault | None:
        number = int(asked.recipient[7:-12] or 0) if asked.recipient else 0
        if asked.phase is Phase.RCPT and number % 2:
            return Fault(delay=30.0)
        return Fault(delay=2.0) if asked.phase is Phase.CONTENT else None

    fleet.smtp.plan = half_are_slow_to_begin
    patient = {"MAILER_SEND_DEADLINE": "20", "MAILER_CLAIM_STALE_AFTER": "60"}
    await fleet.start(1, environment=ROOM | patient)
    events = codes(50)
    await publish(fleet.redis, events)
    await until(lambda: _under_way(fleet) == 25, within=20)
    stopping = fleet.replicas[0]
    stopping.hold()
    stopping.signal(signal.SIGTERM)
    await until(lambda: b"drain_started" in stopping.log, within=10)
    stopping.signal(signal.SIGTERM)

    assert await stopping.wait_ended(within=15) == 0
    assert await fleet.ledger.states() == {"sent": 25, "waiting": 25}
    fleet.smtp.plan = healthy
    await fleet.start(1)
    await fleet.quiet(within=30)

    account = await reckon(fleet, events)
    tell(account.line("SIGTERM twice, 25 begun and 25 not"))
    assert_each_sent(account)
    assert account.copies == 0


def _under_way(fleet: Fleet) -> int:
    return sum(data.answered_at is None for data in fleet.smtp.data_begun)
