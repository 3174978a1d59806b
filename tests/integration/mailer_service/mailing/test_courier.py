"""A mail's whole way, and each of the ways that it can end, on a real ledger and a server that fails."""

import asyncio
import email
import email.policy
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from contracts.events import OtpRequested
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Busy,
    Expired,
    HandedBack,
    Postponed,
    Rejected,
    Sent,
    State,
    Suppressed,
    Unconfirmed,
)
from mailer_service.mailing.rendering import Renderer
from tests.support.couriers import (
    ADA,
    CODE,
    LedgerBook,
    account_approved,
    attempt,
    courier,
    now,
    otp_requested,
    unknown_address_challenged,
    user_registered,
)
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.mailed_events import sessions_revoked
from tests.support.waiting import until


async def test_a_code_is_sent_and_on_the_record(postgres_url: str) -> None:
    event = otp_requested()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    (accepted,) = smtp.accepted
    mail = email.message_from_bytes(accepted.raw, policy=email.policy.default)
    assert mail["Subject"] == f"{CODE} is your Porter code"
    row = await LedgerBook(postgres_url).row(event.id)
    assert row["state"] == "sent"
    assert row["recipient"] == ADA
    assert row["message_id"] == accepted.message_id
    assert row["reply"] == "250 2.0.0 Accepted"
    assert row["provider"] == f"127.0.0.1:{smtp.port}"
    assert row["ended_at"] is not None
    assert (row["reason"], row["error"]) == (None, None)


async def test_a_mail_is_sent_once_however_often_its_event_comes(postgres_url: str) -> None:
    event = otp_requested()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        await carrier.deliver(event, position=0, attempt=attempt())
        for _ in range(3):
            again = await carrier.deliver(event, position=0, attempt=attempt(owner="host-2"))
            assert again == AlreadyEnded(State.SENT)
    assert len(smtp.accepted) == 1


async def test_each_administrator_gets_a_mail_of_their_own(postgres_url: str) -> None:
    event = user_registered("one@example.org", "two@example.org", "three@example.org")
    plan = rules(Rule(Phase.RCPT, Fault("550 5.1.1 No such user"), recipient="two@example.org"))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        endings = [await carrier.deliver(event, position=at, attempt=attempt()) for at in range(3)]
    assert [type(ending) for ending in endings] == [Sent, Rejected, Sent]
    assert [mail.recipient for mail in smtp.accepted] == ["one@example.org", "three@example.org"]
    assert len({mail.message_id for mail in smtp.accepted}) == 2
    assert await LedgerBook(postgres_url).states() == ["sent", "dead", "sent"]


async def test_a_decoy_is_recorded_and_not_sent(postgres_url: str) -> None:
    event = unknown_address_challenged()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Suppressed("unknown_address")
        again = await carrier.deliver(event, position=0, attempt=attempt())
        assert again == AlreadyEnded(State.SUPPRESSED)
    assert smtp.connections == 0
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["reason"]) == ("suppressed", "unknown_address")


async def test_a_late_code_is_recorded_as_expired_and_not_sent(postgres_url: str) -> None:
    event = otp_requested(expires_in=timedelta(seconds=-1))
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Expired()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == AlreadyEnded(State.EXPIRED)
    assert smtp.connections == 0
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["reason"]) == ("expired", "expired")
    assert row["ended_at"] is not None


@pytest.mark.parametrize(("age_hours", "ending"), [(23, Sent), (25, Expired)])
async def test_account_mail_is_given_up_a_day_after_its_fact(
    postgres_url: str, age_hours: int, ending: type
) -> None:
    event = account_approved(at=now() - timedelta(hours=age_hours))
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), ending)


async def test_a_copied_box_is_dead_at_once(postgres_url: str) -> None:
    event = otp_requested().model_copy(update={"id": uuid4()})
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Rejected)
    assert ending.reason == "box_copied"
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["reason"], row["recipient"]) == ("dead", "box_copied", "")


async def test_an_address_that_smtp_cannot_carry_is_dead_at_once(postgres_url: str) -> None:
    event = otp_requested("ada lovelace>\r\nRCPT TO:<eve@example.org")
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Rejected)
    assert ending.reason == "address_unusable"
    assert "eve" not in ending.error
    assert smtp.connections == 0


async def test_a_mail_put_off_is_sent_by_a_later_attempt(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.RCPT, Fault("451 4.7.1 Greylisted, try again in 60 seconds"), first=2))
    book = LedgerBook(postgres_url)
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        first = await carrier.deliver(event, position=0, attempt=attempt())
        assert isinstance(first, Postponed)
        assert first.after == timedelta(seconds=60)
        assert (await book.row(event.id))["state"] == "waiting"
        assert isinstance(
            await carrier.deliver(event, position=0, attempt=attempt(number=2, owner="host-2")), Postponed
        )
        assert await carrier.deliver(event, position=0, attempt=attempt(number=3)) == Sent()
    row = await book.row(event.id)
    assert (row["state"], row["attempts"]) == ("sent", 3)


async def test_a_passing_failure_of_the_last_attempt_is_the_end(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault("452 4.3.1 Out of storage")))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt(number=3, last=True))
    assert isinstance(ending, Rejected)
    assert ending.reason == "attempts_exhausted"
    assert "452" in ending.error
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["reason"]) == ("dead", "attempts_exhausted")


async def test_a_fact_that_nobody_is_mailed_about_is_dead_if_it_asks_for_a_mail(postgres_url: str) -> None:
    event = sessions_revoked()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Rejected)
    assert ending.reason == "nobody_to_mail"
    assert smtp.connections == 0
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["reason"], row["stream"]) == ("dead", "nobody_to_mail", "sessions")


@pytest.mark.parametrize(
    ("phase", "fault"),
    [
        (Phase.CONNECT, Fault("554 5.3.2 Go away")),
        (Phase.CONNECT, Fault("421 4.3.2 Shutting down")),
        (Phase.CONNECT, Fault(drop_before=True)),
        (Phase.EHLO, Fault("502 5.5.1 What?")),
        (Phase.EHLO, Fault(drop_before=True)),
        (Phase.MAIL, Fault("550 5.7.1 Sender not allowed")),
    ],
)
async def test_an_outage_spends_nothing_and_leaves_the_mail_waiting(
    postgres_url: str, phase: Phase, fault: Fault
) -> None:
    event = otp_requested()
    async with FaultSmtp(rules(Rule(phase, fault))) as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt(last=True))
        assert isinstance(ending, Away)
        assert ending.part == "smtp"
        row = await LedgerBook(postgres_url).row(event.id)
        assert (row["state"], row["reason"]) == ("waiting", "smtp_away")
        smtp.plan = rules()
        assert await carrier.deliver(event, position=0, attempt=attempt(last=True)) == Sent()


async def test_an_unreachable_server_is_an_outage_and_found_again(postgres_url: str) -> None:
    event = otp_requested()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        await carrier.deliver(otp_requested("first@example.org"), position=0, attempt=attempt())
        await smtp.stop()
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Away)
        with pytest.raises(ConnectionError):
            await carrier.probe_smtp()
        await smtp.start()
        await carrier.probe_smtp()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    assert len(smtp.accepted) == 2


async def test_a_probe_sends_no_mail(postgres_url: str) -> None:
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        await carrier.probe_smtp()
        await carrier.probe_postgres()
    assert smtp.connections == 1
    assert smtp.most_mails == 0


async def test_a_probe_of_a_silent_server_ends_at_the_deadline(postgres_url: str) -> None:
    plan = rules(Rule(Phase.CONNECT, Fault(silent=True)))
    async with (
        FaultSmtp(plan) as smtp,
        courier(postgres_url, smtp.url, deadline=timedelta(seconds=0.2)) as carrier,
    ):
        with pytest.raises(ConnectionError, match="deadline"):
            await carrier.probe_smtp()


async def test_a_letter_that_the_consuming_side_gives_up_is_on_the_record(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.RCPT, Fault("451 4.3.0 Later")))
    unknown = uuid4()
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        await carrier.deliver(event, position=0, attempt=attempt())
        await carrier.record_dead(
            event_id=event.id, position=0, event_type=event.type, reason="poisonous", error="3 crashes"
        )
        await carrier.record_dead(
            event_id=unknown,
            position=0,
            event_type="odd\x00type\ud800",
            reason="unknown_type",
            error="no event of eve@example.org",
        )
        assert await carrier.deliver(event, position=0, attempt=attempt()) == AlreadyEnded(State.DEAD)
    book = LedgerBook(postgres_url)
    row = await book.row(event.id)
    assert (row["state"], row["reason"], row["recipient"], row["stream"]) == (
        "dead",
        "poisonous",
        ADA,
        "login",
    )
    row = await book.row(unknown)
    assert (row["state"], row["event_type"], row["template"]) == ("dead", "odd type", "")
    assert row["error"] == "no event of [masked]"


async def test_a_silent_server_is_an_outage_once_the_deadline_has_passed(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.EHLO, Fault(byte_every=1)))
    async with (
        FaultSmtp(plan) as smtp,
        courier(postgres_url, smtp.url, deadline=timedelta(seconds=0.3)) as carrier,
    ):
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Away)
    assert (await LedgerBook(postgres_url).row(event.id))["state"] == "waiting"


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
async def test_a_deadline_that_passes_before_the_content_is_a_passing_failure(
    postgres_url: str, phase: Phase
) -> None:
    event = otp_requested()
    async with (
        FaultSmtp(rules(Rule(phase, Fault(silent=True)))) as smtp,
        courier(postgres_url, smtp.url, deadline=timedelta(seconds=0.3)) as carrier,
    ):
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Postponed)
    assert ending.reason == "timeout"
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["unclear"]) == ("waiting", 0)


@pytest.mark.parametrize("fault", [Fault(drop_before=True), Fault(silent=True)])
async def test_an_unclear_end_is_tried_once_more_and_then_unconfirmed(
    postgres_url: str, fault: Fault
) -> None:
    event = otp_requested()
    book = LedgerBook(postgres_url)
    async with (
        FaultSmtp(rules(Rule(Phase.CONTENT, fault))) as smtp,
        courier(postgres_url, smtp.url, deadline=timedelta(seconds=2)) as carrier,
    ):
        first = await carrier.deliver(event, position=0, attempt=attempt(last=True))
        assert isinstance(first, Postponed)
        assert (first.reason, first.after) == ("unclear_data", None)
        row = await book.row(event.id)
        assert (row["state"], row["unclear"]) == ("waiting", 1)
        assert await carrier.deliver(event, position=0, attempt=attempt(number=2, last=True)) == Unconfirmed()
        third = await carrier.deliver(event, position=0, attempt=attempt(number=3))
        assert third == AlreadyEnded(State.UNCONFIRMED)
    row = await book.row(event.id)
    assert (row["state"], row["unclear"], row["reason"]) == ("unconfirmed", 2, "unclear_data")
    assert len({mail.message_id for mail in smtp.data_begun}) == 1
    assert len(smtp.data_begun) == 2


async def test_a_connection_lost_before_the_content_is_no_unclear_end(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.DATA, Fault(drop_before=True)))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Postponed)
    assert ending.reason == "connection_lost"


async def test_without_leave_nothing_of_the_mail_is_written(postgres_url: str) -> None:
    event = otp_requested()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        ending = await carrier.deliver(event, position=0, attempt=attempt(begin_data=lambda: False))
        assert ending == HandedBack()
        assert smtp.data_begun == []
        assert (await LedgerBook(postgres_url).row(event.id))["state"] == "waiting"
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()


async def test_leave_withdrawn_while_the_server_answers_data_leaves_no_content_behind(
    postgres_url: str,
) -> None:
    event = otp_requested()
    answers = iter([True, False])
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        held = attempt(begin_data=lambda: next(answers))
        assert await carrier.deliver(event, position=0, attempt=held) == HandedBack()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    assert len(smtp.accepted) == 1


async def test_a_recipient_that_draws_421_stops_nobody_else(postgres_url: str) -> None:
    plan = rules(Rule(Phase.RCPT, Fault("421 4.7.0 Too many errors", drop_after=True), recipient=ADA))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        for number in range(3):
            ending = await carrier.deliver(otp_requested(), position=0, attempt=attempt())
            assert isinstance(ending, Postponed)
            other: OtpRequested = otp_requested(f"other{number}@example.org")
            assert await carrier.deliver(other, position=0, attempt=attempt()) == Sent()
    assert len(smtp.accepted) == 3


@pytest.mark.parametrize("pipelining", [False, True], ids=["in_turn", "pipelined"])
async def test_a_surprise_while_it_is_written_lets_the_mail_go(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, *, pipelining: bool
) -> None:
    def surprise(*_: object, **__: object) -> bytes:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(FaultSmtp, "pipelining", pipelining)
    event = otp_requested()
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        with monkeypatch.context() as broken:
            broken.setattr(Renderer, "render", surprise)
            with pytest.raises(RuntimeError, match="nobody thought"):
                await carrier.deliver(event, position=0, attempt=attempt())
        assert (await LedgerBook(postgres_url).row(event.id))["state"] == "waiting"
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    assert len(smtp.accepted) == 1


async def test_a_surprise_before_data_lets_the_mail_go(postgres_url: str) -> None:
    event = otp_requested()

    def surprise() -> bool:
        raise RuntimeError("nobody thought of this")

    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        with pytest.raises(RuntimeError, match="nobody thought"):
            await carrier.deliver(event, position=0, attempt=attempt(begin_data=surprise))
        assert (await LedgerBook(postgres_url).row(event.id))["state"] == "waiting"
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()


@pytest.mark.parametrize("reply", ["451 4.3.0 Later", "550 5.7.1 No", "550 5.1.1 Who?", "421 4.3.2 Closing"])
async def test_a_mail_that_was_taken_over_meanwhile_is_left_to_its_new_owner(
    postgres_url: str, reply: str
) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.RCPT, Fault(reply, delay=0.3), first=1))
    async with (
        FaultSmtp(plan) as smtp,
        courier(postgres_url, smtp.url) as stalled,
        courier(postgres_url, smtp.url) as heir,
    ):
        delivery = asyncio.create_task(stalled.deliver(event, position=0, attempt=attempt(last=True)))
        await until(lambda: smtp.reached[Phase.RCPT], within=5)
        taking = attempt(owner="host-2", taken_from=("host-1",))
        assert await heir.deliver(event, position=0, attempt=taking) == Sent()
        assert await delivery == Busy()
    assert await LedgerBook(postgres_url).states() == ["sent"]
    assert len(smtp.accepted) == 1


async def test_a_mail_that_was_given_up_during_its_data_is_done_and_said_so(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault(delay=0.3)))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: smtp.reached[Phase.CONTENT], within=5)
        await carrier.record_dead(
            event_id=event.id, position=0, event_type=event.type, reason="poisonous", error=""
        )
        with capture_logs() as lines:
            assert await delivery == Sent()
    assert "mail_sent_after_its_end" in {line["event"] for line in lines}
    assert await LedgerBook(postgres_url).states() == ["dead"]
