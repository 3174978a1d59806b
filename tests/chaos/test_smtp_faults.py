"""An SMTP server that puts off, refuses, goes away, or hangs up on one recipient."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.chaos.events import a_code, codes, publish
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.fault_smtp import Asked, Fault, FaultSmtp, Phase, Rule, rules
from tests.support.waiting import until


async def test_mails_put_off_twice_are_all_sent_in_the_end(fleet: Fleet, tell: Callable[[str], None]) -> None:
    def put_off_thirty_percent(asked: Asked) -> Fault | None:
        chosen = asked.phase is Phase.RCPT and asked.recipient[-13] in "012"  # the last digit of its number
        return Fault("451 4.3.0 Try again later") if chosen and asked.seen <= 2 else None

    fleet.smtp.plan = put_off_thirty_percent
    await fleet.start(2)
    events = codes(FORM.scaled(2000))
    await publish(fleet.redis, events, per_second=100)
    await fleet.quiet(within=FORM.pick(short=30, long=240))

    account = await reckon(fleet, events)
    tell(account.line("451 to the first two tries of 30 %"))
    assert_each_sent(account)
    tries = {delivery.recipient: delivery.attempts for delivery in await fleet.ledger.deliveries()}
    assert sorted(tries.values()) == [1] * (len(events) * 7 // 10) + [3] * (len(events) * 3 // 10)


async def test_mails_refused_for_their_content_die_alone_and_at_once(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    events = codes(FORM.scaled(2000))
    refused = {f"person-{number}@example.org" for number in range(0, len(events), 20)}
    tries: list[str] = []

    def refuse_five_percent(asked: Asked) -> Fault | None:
        if asked.phase is not Phase.RCPT or asked.recipient not in refused:
            return None
        tries.append(asked.recipient)
        return Fault("550 5.7.1 Refused by policy")

    fleet.smtp.plan = refuse_five_percent
    await fleet.start(2)
    await publish(fleet.redis, events, per_second=100)
    await fleet.quiet(within=30)

    account = await reckon(fleet, events)
    tell(account.line("550 5.7.1 at RCPT for 5 %"))
    assert_each_sent(account, dead=len(refused))
    dead = await fleet.ledger.deliveries("state = 'dead'")
    assert {delivery.recipient for delivery in dead} == refused
    assert {(delivery.attempts, delivery.reason) for delivery in dead} == {(1, "message_refused")}
    assert sorted(tries) == sorted(refused)
    assert not _said(fleet, "breaker_opened")
    breaker = f'mailer_smtp_breaker_open{{provider="{fleet.smtp.host}:{fleet.smtp.port}"}}'
    assert [await fleet.metric(replica, breaker) for replica in fleet.replicas] == [0, 0]


async def test_an_unreachable_server_costs_no_attempt_and_what_expires_meanwhile_is_on_record(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    away = timedelta(seconds=FORM.pick(short=5, long=60))
    await fleet.start(2)
    await fleet.smtp.stop()
    brief = [a_code(f"brief-{number}@example.org", life=away * 0.5) for number in range(20)]
    lasting = codes(60)
    gone_at = datetime.now(UTC)
    await publish(fleet.redis, [*brief, *lasting], per_second=100)
    await until(lambda: _said(fleet, "breaker_opened"), within=20)
    await until(lambda: datetime.now(UTC) - gone_at > away, within=away.total_seconds() + 5)
    await fleet.smtp.start()
    back_at = datetime.now(UTC)
    await fleet.quiet(within=60)

    account = await reckon(fleet, [*brief, *lasting])
    recovered = (datetime.now(UTC) - back_at).total_seconds()
    tell(account.line(f"SMTP unreachable for {away.total_seconds():.0f} s", recovery=recovered))
    assert_each_sent(account, expired=len(brief))
    expired = await fleet.ledger.deliveries("state = 'expired'")
    assert {delivery.recipient for delivery in expired} == {
        f"brief-{number}@example.org" for number in range(20)
    }
    sent = await fleet.ledger.deliveries("state = 'sent'")
    assert {delivery.attempts for delivery in sent} == {1}


async def test_a_second_provider_carries_on_while_the_first_is_away(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    async with FaultSmtp() as second:
        await fleet.start(2, environment={"MAILER_SMTP_FALLBACK_URL": second.url})
        events = codes(FORM.scaled(600))
        third = len(events) // 3
        await publish(fleet.redis, events[:third], per_second=100)
        await until(lambda: len(fleet.smtp.accepted) > third // 2, within=20)
        await fleet.smtp.stop()
        await publish(fleet.redis, events[third : 2 * third], per_second=100)
        addressed = {f"person-{number}@example.org" for number in range(third, 2 * third)}
        await until(lambda: addressed <= {mail.recipient for mail in second.accepted}, within=30)
        await fleet.smtp.start()
        breaker = f'mailer_smtp_breaker_open{{provider="{fleet.smtp.host}:{fleet.smtp.port}"}}'

        async def is_back() -> bool:
            return not any([await fleet.metric(replica, breaker) for replica in fleet.replicas])

        await until(is_back, within=30)
        meanwhile = len(second.accepted)
        await publish(fleet.redis, events[2 * third :], per_second=100)
        await fleet.quiet(within=60)

        rows = await fleet.ledger.deliveries("state = 'sent'")
        assert len(rows) == len(events)
        unclear = await fleet.ledger.deliveries("unclear > 0")
        unclear_events = {row.event_id for row in unclear}
        assert {row.attempts for row in rows if row.event_id not in unclear_events} == {1}
        ours = [mail.message_id for mail in fleet.smtp.accepted]
        theirs = [mail.message_id for mail in second.accepted]
        assert len({*ours, *theirs}) == len(events)
        assert len(set(theirs)) == len(theirs) == meanwhile
        assert not set(ours) & set(theirs)
        # What was in its DATA when the first was cut off may go twice, by that one alone.
        assert len(ours) - len(set(ours)) <= len(unclear)
        assert not _said(fleet, "breaker_opened")
        tell(f"first provider away: {meanwhile} of {len(events)} mails by the second, {len(unclear)} unclear")


async def test_a_recipient_that_always_draws_421_stops_nobody_else(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    unlucky = "unlucky@example.org"
    goodbye = Fault("421 4.7.0 Too many, goodbye", drop_after=True)
    fleet.smtp.plan = rules(Rule(Phase.RCPT, goodbye, recipient=unlucky))
    await fleet.start(2)
    events = [a_code(unlucky), *codes(100)]
    await publish(fleet.redis, events, per_second=100)
    await fleet.quiet(within=FORM.pick(short=30, long=240))

    account = await reckon(fleet, events)
    tell(account.line("421 for one recipient, always"))
    assert_each_sent(account, dead=1)
    (dead,) = await fleet.ledger.deliveries("state = 'dead'")
    assert (dead.recipient, dead.attempts) == (unlucky, 3)
    assert {delivery.attempts for delivery in await fleet.ledger.deliveries("state = 'sent'")} == {1}
    assert not _said(fleet, "breaker_opened")


def _said(fleet: Fleet, event: str) -> bool:
    return any(f'"{event}"' in line for replica in fleet.replicas for line in replica.lines())
