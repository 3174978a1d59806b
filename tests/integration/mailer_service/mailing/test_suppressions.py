"""Addresses that bounced: what is not sent to them, and what is all the same, by Postgres' clock."""

import asyncio
from datetime import timedelta
from typing import Final

import pytest
from structlog.testing import capture_logs

from contracts.events import AnyEvent
from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.courier import Courier
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Delivery,
    Postponed,
    Rejected,
    Sent,
    State,
    Suppressed,
)
from tests.support.couriers import (
    ADA,
    LedgerBook,
    account_approved,
    attempt,
    courier,
    otp_requested,
    unknown_address_challenged,
    user_registered,
)
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.mailed_events import user_signed_in
from tests.support.waiting import until

NO_SUCH_USER: Final = rules(Rule(Phase.RCPT, Fault("550 5.1.1 <ada@example.org>: no such user")))
DAY: Final = timedelta(hours=24)
A_LITTLE: Final = timedelta(minutes=1)


@pytest.fixture
def book(postgres_url: str) -> LedgerBook:
    return LedgerBook(postgres_url)


async def carry(carrier: Courier, event: AnyEvent, *, reopen: Reopen = Reopen.NOTHING) -> Delivery:
    return await carrier.deliver(event, position=0, attempt=attempt(reopen=reopen))


async def bounce(carrier: Courier, event: AnyEvent) -> None:
    """Send a mail that the server knows no mailbox for."""
    ending = await carry(carrier, event)
    assert isinstance(ending, Rejected)
    assert ending.reason == "recipient_refused"


async def let_pass(book: LedgerBook, time: timedelta) -> None:
    """Move what is on record as far into the past as `time` would."""
    await book.execute(
        """
        UPDATE mailer.suppressions SET first_bounced_at = first_bounced_at - $1::interval,
            last_bounced_at = last_bounced_at - $1::interval, until = until - $1::interval,
            login_until = login_until - $1::interval
        """,
        time,
    )


@pytest.mark.parametrize("reply", ["550 5.1.1 Who?", "551 5.1.6 Moved", "556 5.1.10 No mail here"])
async def test_an_address_that_bounced_gets_no_account_mail_from_then_on(
    postgres_url: str, book: LedgerBook, reply: str
) -> None:
    event = account_approved()
    async with (
        FaultSmtp(rules(Rule(Phase.RCPT, Fault(reply)))) as smtp,
        courier(postgres_url, smtp.url) as carrier,
    ):
        await bounce(carrier, account_approved())
        asked = smtp.reached[Phase.RCPT]
        assert await carry(carrier, event) == Suppressed("bounced")
        assert await carry(carrier, user_signed_in()) == Suppressed("bounced")
        assert await carry(carrier, event) == AlreadyEnded(State.SUPPRESSED)
        assert smtp.reached[Phase.RCPT] == asked
    row = await book.row(event.id)
    assert (row["state"], row["reason"]) == ("suppressed", "bounced")
    assert row["ended_at"] is not None
    (suppressed,) = await book.suppressions()
    assert (suppressed["address"], suppressed["bounces"]) == (ADA, 1)
    assert reply in suppressed["error"]
    assert suppressed["provider"] == f"127.0.0.1:{smtp.port}"


@pytest.mark.parametrize(
    ("phase", "reply", "ending"),
    [
        (Phase.RCPT, "550 No such user here", Rejected),
        (Phase.RCPT, "550 5.7.1 Blocked", Rejected),
        (Phase.RCPT, "550 5.1.2 No such host", Rejected),
        (Phase.RCPT, "553 5.1.3 Bad syntax", Rejected),
        (Phase.RCPT, "552 5.2.2 Mailbox full", Rejected),
        (Phase.RCPT, "450 4.1.1 Unverified", Postponed),
        (Phase.RCPT, "450 5.1.1 Undecided", Postponed),
        (Phase.DATA, "550 5.1.1 No valid recipients", Rejected),
        (Phase.CONTENT, "550 5.1.1 No such user after all", Rejected),
        (Phase.CONTENT, "554 5.7.1 Spam", Rejected),
        # A wrong MAILER_FROM, refused when it is said, or with the recipient as Postfix does.
        (Phase.MAIL, "553 5.1.8 Domain not found", Away),
        (Phase.MAIL, "550 5.1.1 No such sender", Away),
        (Phase.RCPT, "553 5.1.8 Sender address rejected: Domain not found", Away),
        (Phase.RCPT, "550 5.1.7 Sender address rejected: undeliverable address", Away),
        (Phase.RCPT, "550 5.1.0 Sender address rejected: User unknown", Rejected),
        (Phase.RCPT, "553 5.7.1 Sender address rejected: not owned by user", Rejected),
    ],
)
async def test_nothing_else_suppresses_anybody(
    postgres_url: str, book: LedgerBook, phase: Phase, reply: str, ending: type
) -> None:
    async with (
        FaultSmtp(rules(Rule(phase, Fault(reply)))) as smtp,
        courier(postgres_url, smtp.url) as carrier,
    ):
        assert isinstance(await carry(carrier, account_approved()), ending)
        smtp.plan = rules()
        assert await carry(carrier, account_approved()) == Sent()
    assert await book.suppressions() == []


async def test_login_mail_rests_a_day_once_two_bounces_lie_a_day_apart(
    postgres_url: str, book: LedgerBook
) -> None:
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, otp_requested())
        await bounce(carrier, otp_requested())
        await let_pass(book, DAY - A_LITTLE)
        await bounce(carrier, otp_requested())
        await let_pass(book, A_LITTLE)
        await bounce(carrier, otp_requested())
        event = otp_requested()
        assert await carry(carrier, event) == Suppressed("bounced")
        assert (await book.row(event.id))["reason"] == "bounced"
        await let_pass(book, DAY - A_LITTLE)
        assert await carry(carrier, otp_requested()) == Suppressed("bounced")
        await let_pass(book, A_LITTLE)
        await bounce(carrier, otp_requested())
        assert await carry(carrier, otp_requested()) == Suppressed("bounced")
        assert smtp.reached[Phase.RCPT] == 5
    (suppressed,) = await book.suppressions()
    assert suppressed["bounces"] == 5


async def test_login_mail_is_sent_though_account_mail_is_not_and_lifts_the_suppression(
    postgres_url: str, book: LedgerBook
) -> None:
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, account_approved())
        smtp.plan = rules()
        assert await carry(carrier, account_approved()) == Suppressed("bounced")
        assert await carry(carrier, otp_requested()) == Sent()
        assert await book.suppressions() == []
        assert await carry(carrier, account_approved()) == Sent()


async def test_a_mail_that_is_put_off_or_refused_for_itself_lifts_nothing(
    postgres_url: str, book: LedgerBook
) -> None:
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, account_approved())
        before = await book.suppressions()
        for reply in ("451 4.3.0 Later", "550 5.7.1 Blocked"):
            smtp.plan = rules(Rule(Phase.RCPT, Fault(reply)))
            assert isinstance(await carry(carrier, otp_requested()), Postponed | Rejected)
    assert await book.suppressions() == before


async def test_mail_to_administrators_is_never_suppressed_and_their_bounces_count_for_nothing(
    postgres_url: str, book: LedgerBook
) -> None:
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, user_registered(ADA))
        await bounce(carrier, otp_requested(administrator=True))
        assert await book.suppressions() == []
        # On record from a time before the appointment.
        await bounce(carrier, otp_requested())
        await let_pass(book, DAY)
        await bounce(carrier, otp_requested())
        assert await carry(carrier, otp_requested()) == Suppressed("bounced")
        smtp.plan = rules()
        assert await carry(carrier, user_registered(ADA)) == Sent()
    assert await book.suppressions() == []


async def test_case_makes_no_other_address(postgres_url: str, book: LedgerBook) -> None:
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, account_approved("Ada@Example.org"))
        assert await carry(carrier, account_approved("ada@example.ORG")) == Suppressed("bounced")
        assert [row["address"] for row in await book.suppressions()] == [ADA]
        smtp.plan = rules()
        assert await carry(carrier, account_approved("bob@example.org")) == Sent()
        assert await carry(carrier, otp_requested("ADA@example.org")) == Sent()
    assert await book.suppressions() == []


async def test_a_mail_that_waits_is_suppressed_when_another_has_bounced_meanwhile(
    postgres_url: str, book: LedgerBook
) -> None:
    event = account_approved()
    async with (
        FaultSmtp(rules(Rule(Phase.RCPT, Fault("451 4.7.1 Greylisted")))) as smtp,
        courier(postgres_url, smtp.url) as carrier,
    ):
        assert isinstance(await carry(carrier, event), Postponed)
        smtp.plan = NO_SUCH_USER
        await bounce(carrier, otp_requested())
        again = await carrier.deliver(event, position=0, attempt=attempt(number=2))
        assert again == Suppressed("bounced")
    assert (await book.row(event.id))["state"] == "suppressed"


async def test_bounces_are_forgotten_after_ninety_days_without_one(
    postgres_url: str, book: LedgerBook
) -> None:
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, account_approved())
        await let_pass(book, timedelta(days=90) - A_LITTLE)
        assert await carry(carrier, account_approved()) == Suppressed("bounced")
        await let_pass(book, A_LITTLE)
        await bounce(carrier, account_approved())
        (anew,) = await book.suppressions()
        assert anew["bounces"] == 1
        assert anew["login_until"] is None
        assert anew["first_bounced_at"] == anew["last_bounced_at"]
        await bounce(carrier, otp_requested())


@pytest.mark.parametrize("reopen", [Reopen.DEAD, Reopen.EXPIRED])
async def test_a_replayed_letter_goes_out_whatever_bounced_and_lifts_the_suppression(
    postgres_url: str, book: LedgerBook, reopen: Reopen
) -> None:
    event = account_approved()
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, event)
        assert isinstance(await carry(carrier, event, reopen=reopen), Rejected)
        (suppressed,) = await book.suppressions()
        assert suppressed["bounces"] == 2
        smtp.plan = rules()
        assert await carry(carrier, event, reopen=reopen) == Sent()
    assert (await book.row(event.id))["state"] == "sent"
    assert await book.suppressions() == []


async def test_a_replay_sends_no_mail_that_was_suppressed(postgres_url: str) -> None:
    event = account_approved()
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, otp_requested())
        assert await carry(carrier, event) == Suppressed("bounced")
        smtp.plan = rules()
        assert await carry(carrier, event, reopen=Reopen.EXPIRED) == AlreadyEnded(State.SUPPRESSED)
    assert smtp.accepted == []


async def test_bounces_that_two_mailers_meet_at_once_are_both_counted_and_shut_nobody_out(
    postgres_url: str, book: LedgerBook
) -> None:
    held = rules(Rule(Phase.RCPT, Fault("550 5.1.1 No such user", delay=0.3)))
    async with (
        FaultSmtp(held) as smtp,
        courier(postgres_url, smtp.url) as one,
        courier(postgres_url, smtp.url) as other,
    ):
        bouncing = [bounce(carrier, otp_requested()) for carrier in (one, other) for _ in range(4)]
        await asyncio.gather(*bouncing)
        (suppressed,) = await book.suppressions()
        assert (suppressed["bounces"], suppressed["login_until"]) == (8, None)
        smtp.plan = rules()
        assert await carry(other, account_approved()) == Suppressed("bounced")
        assert await carry(one, otp_requested()) == Sent()


async def test_a_bounce_and_a_250_of_two_mailers_at_once_both_end(
    postgres_url: str, book: LedgerBook
) -> None:
    async with (
        FaultSmtp(rules(Rule(Phase.RCPT, Fault("550 5.1.1 No such user", delay=0.1), first=8))) as smtp,
        courier(postgres_url, smtp.url) as one,
        courier(postgres_url, smtp.url) as other,
    ):
        events = [otp_requested() for _ in range(16)]
        endings = await asyncio.gather(
            *(carry(one if number % 2 else other, event) for number, event in enumerate(events))
        )
    assert sorted(type(ending).__name__ for ending in endings) == ["Rejected"] * 8 + ["Sent"] * 8
    assert sorted(await book.states()) == ["dead"] * 8 + ["sent"] * 8


async def test_the_log_tells_why_a_mail_is_suppressed_and_never_whose_it_is(
    postgres_url: str, book: LedgerBook
) -> None:
    decoy, event = unknown_address_challenged(), account_approved()
    async with FaultSmtp(NO_SUCH_USER) as smtp, courier(postgres_url, smtp.url) as carrier:
        await bounce(carrier, otp_requested())
        with capture_logs() as lines:
            await carry(carrier, event)
            await carry(carrier, decoy)
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("mail_suppressed", "bounced"),
        ("mail_suppressed", "unknown_address"),
    ]
    assert "example.org" not in str(lines)
    assert (await book.row(decoy.id))["reason"] == "unknown_address"
    (suppressed,) = await book.suppressions()
    assert "ada" not in suppressed["error"]


async def test_a_claim_that_was_taken_over_counts_no_bounce(postgres_url: str, book: LedgerBook) -> None:
    event = account_approved()
    slow = rules(Rule(Phase.RCPT, Fault("550 5.1.1 No such user", delay=0.3), first=1))
    async with (
        FaultSmtp(slow) as smtp,
        courier(postgres_url, smtp.url) as stalled,
        courier(postgres_url, smtp.url) as heir,
    ):
        late = asyncio.create_task(carry(stalled, event))
        await until(lambda: smtp.reached[Phase.RCPT], within=5)
        taking = attempt(owner="host-2", taken_from=("host-1",))
        assert await heir.deliver(event, position=0, attempt=taking) == Sent()
        await late
    assert await book.suppressions() == []
