"""The trail that failed tries leave beside a mail's row, on a real Postgres."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.database import Database
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.ledger import Claim, Ledger, Mail
from mailer_service.mailing.records import Records
from mailer_service.mailing.statements import ATTEMPTS_KEPT
from tests.support.couriers import LedgerBook, attempt, courier, for_sqlalchemy, now, otp_requested
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules


@pytest.fixture
async def ledger(postgres_url: str) -> AsyncIterator[Ledger]:
    made = Ledger(Database(for_sqlalchemy(postgres_url), connections=2))
    yield made
    await made.close()


@pytest.fixture
def book(postgres_url: str) -> LedgerBook:
    return LedgerBook(postgres_url)


def a_mail() -> Mail:
    return Mail(
        event_id=uuid4(),
        recipient="ada@example.org",
        position=0,
        event_type="porter.auth.account_approved.v1",
        template="account_approved",
        stream="accounts",
        occurred_at=now() - timedelta(minutes=1),
        expires_at=now() + timedelta(minutes=10),
    )


async def ours(
    ledger: Ledger,
    mail: Mail,
    *,
    number: int = 1,
    reopen: Reopen = Reopen.NOTHING,
    provider: str = "smtp.test:25",
) -> Claim:
    claim = await ledger.claim(
        mail, attempt(number=number, reopen=reopen), message_id="<m@porter.test>", provider=provider
    )
    assert isinstance(claim, Claim)
    return claim


async def test_a_mails_tries_are_on_record_after_it_was_sent(postgres_url: str, book: LedgerBook) -> None:
    event = otp_requested()
    plan = rules(
        Rule(Phase.RCPT, Fault("451 4.7.1 Greylisted <ada@example.org>"), first=1),
        Rule(Phase.CONTENT, Fault("452 4.3.1 Disk full"), first=2),
    )
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        for number in (1, 2, 3):
            owner = f"host-{number}"
            await carrier.deliver(event, position=0, attempt=attempt(number=number, owner=owner))
    assert await book.states() == ["sent"]
    first, second = await book.attempts()
    assert (first["event_id"], first["position"], first["number"]) == (event.id, 0, 1)
    assert (first["state"], first["reason"]) == ("waiting", "server_said_later")
    assert first["error"] == "rcpt: 451 4.7.1 Greylisted <[masked]>"
    assert second["error"] == "data: 452 4.3.1 Disk full"
    assert [one["owner"] for one in (first, second)] == ["host-1", "host-2"]
    assert first["provider"] == second["provider"] == f"127.0.0.1:{smtp.port}"
    assert first["begun_at"] < first["ended_at"] < second["begun_at"] < second["ended_at"]


async def test_a_mail_that_is_sent_at_once_leaves_no_trail(postgres_url: str, book: LedgerBook) -> None:
    async with FaultSmtp() as smtp, courier(postgres_url, smtp.url) as carrier:
        await carrier.deliver(otp_requested(), position=0, attempt=attempt())
    assert await book.states() == ["sent"]
    assert await book.attempts() == []


async def test_what_a_replay_writes_over_is_kept(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    await ledger.record_end(await ours(ledger, mail), State.DEAD, reason="message_refused", error="554 Spam")
    await ledger.record_sent(await ours(ledger, mail, reopen=Reopen.DEAD), reply="250 Ok")
    (died,) = await book.attempts()
    assert (died["state"], died["reason"], died["error"]) == ("dead", "message_refused", "554 Spam")
    assert await book.states() == ["sent"]


async def test_what_the_consuming_side_gives_up_is_on_the_trail_too(ledger: Ledger, book: LedgerBook) -> None:
    mail, unseen = a_mail(), uuid4()
    await ledger.let_wait(await ours(ledger, mail), reason="timeout", error="rcpt")
    for event_id in (mail.event_id, mail.event_id, unseen, unseen):
        await ledger.record_dead(
            event_id=event_id,
            position=0,
            event_type=mail.event_type,
            template=mail.template,
            stream=mail.stream,
            reason="poisonous",
            error="three crashes",
        )
    waited, died, unclaimed = await book.attempts()
    assert [one["reason"] for one in (waited, died, unclaimed)] == ["timeout", "poisonous", "poisonous"]
    assert (died["event_id"], unclaimed["event_id"]) == (mail.event_id, unseen)
    assert (unclaimed["number"], unclaimed["provider"]) == (0, None)


async def test_a_record_that_is_repeated_is_noted_once_and_one_bounce(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    claim = await ours(ledger, mail)
    for _ in range(3):
        assert await ledger.let_wait(claim, reason="timeout", error="rcpt")
    claim = await ours(ledger, mail, number=2)
    for _ in range(3):
        assert await ledger.record_end(
            claim, State.DEAD, reason="recipient_refused", error="550 5.1.1", bounced=True
        )
    assert [one["number"] for one in await book.attempts()] == [1, 2]
    (suppressed,) = await book.suppressions()
    assert suppressed["bounces"] == 1
    assert suppressed["event_id"] == mail.event_id


async def test_a_claim_that_stands_no_more_leaves_no_trail_and_no_bounce(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    older = await ours(ledger, mail)
    await ledger.let_wait(older, reason="timeout", error="")
    await ours(ledger, mail)
    assert not await ledger.let_wait(older, reason="timeout", error="again")
    assert not await ledger.record_end(older, State.DEAD, reason="recipient_refused", error="", bounced=True)
    assert len(await book.attempts()) == 1
    assert await book.suppressions() == []


async def test_an_outage_that_lasts_leaves_the_latest_tries_only(ledger: Ledger, book: LedgerBook) -> None:
    mail, beside = a_mail(), a_mail()
    await ledger.let_wait(await ours(ledger, beside), reason="smtp_away", error="kept")
    for number in range(ATTEMPTS_KEPT + 5):
        await ledger.let_wait(await ours(ledger, mail), reason="smtp_away", error=str(number))
    kept, *latest = await book.attempts()
    assert (kept["event_id"], kept["error"]) == (beside.event_id, "kept")
    assert [one["error"] for one in latest] == [str(number) for number in range(5, ATTEMPTS_KEPT + 5)]


async def test_a_mail_that_is_held_again_and_again_is_noted_once_and_hides_no_failure(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="server_said_later", error="rcpt: 451")
    for _ in range(3):
        claim = await ours(ledger, mail)
        for _ in range(2):
            assert await ledger.let_wait(claim, reason="rate_spent", error="had no turn")
    await ledger.let_wait(await ours(ledger, mail), reason="provider_away", error="connect: refused")
    for _ in range(2):
        await ledger.let_wait(await ours(ledger, mail), reason="provider_away", error="is away")
    await ledger.let_wait(
        await ours(ledger, mail, provider="other.test:25"), reason="provider_away", error="is away"
    )
    noted = [(one["reason"], one["error"], one["provider"]) for one in await book.attempts()]
    assert noted == [
        ("server_said_later", "rcpt: 451", "smtp.test:25"),
        ("rate_spent", "had no turn", "smtp.test:25"),
        ("provider_away", "connect: refused", "smtp.test:25"),
        ("provider_away", "is away", "smtp.test:25"),
        ("provider_away", "is away", "other.test:25"),
    ]


async def test_a_try_that_spent_an_attempt_is_kept_whatever_comes_after(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="timeout", error="rcpt: no answer")
    for number in range(ATTEMPTS_KEPT + 5):
        await ledger.let_wait(await ours(ledger, mail), reason="smtp_away", error=str(number))
    failed, *latest = await book.attempts()
    assert (failed["reason"], failed["error"]) == ("timeout", "rcpt: no answer")
    assert [one["error"] for one in latest] == [str(number) for number in range(5, ATTEMPTS_KEPT + 5)]


async def test_a_record_that_is_repeated_is_one_try_in_the_history(
    ledger: Ledger, book: LedgerBook, postgres_url: str
) -> None:
    mail = a_mail()
    claim = await ours(ledger, mail)
    ended = []
    for _ in range(2):
        assert await ledger.record_end(claim, State.DEAD, reason="message_refused", error="550 No")
        ended.append((await book.row(mail.event_id))["ended_at"])
    assert ended[0] == ended[1]
    database = Database(for_sqlalchemy(postgres_url), connections=1)
    ((_, history),) = await Records(database).show([mail.event_id])
    await database.close()
    assert [(one["number"], one["state"], one["error"]) for one in history] == [(1, "dead", "550 No")]


async def test_a_trail_is_forgotten_with_its_mail_and_a_lapsed_suppression_by_itself(
    ledger: Ledger, book: LedgerBook
) -> None:
    old, young = a_mail(), replace(a_mail(), recipient="cleo@example.org")
    other = replace(old, recipient="bob@example.org", position=1)
    for mail in (old, young, other):
        claim = await ours(ledger, mail)
        await ledger.record_end(claim, State.DEAD, reason="recipient_refused", error="", bounced=True)
    await book.execute(
        "UPDATE mailer.deliveries SET created_at = created_at - interval '36 days' WHERE event_id = $1",
        old.event_id,
    )
    assert await ledger.forget() == 2
    assert [one["event_id"] for one in await book.attempts()] == [young.event_id]
    assert [one["address"] for one in await book.suppressions()] == [
        "ada@example.org",
        "bob@example.org",
        "cleo@example.org",
    ]
    await book.execute("UPDATE mailer.suppressions SET until = now() WHERE address LIKE 'ada@%'")
    assert await ledger.forget() == 1
    assert [one["address"] for one in await book.suppressions()] == ["bob@example.org", "cleo@example.org"]
    assert await ledger.forget() == 0


async def test_a_ledger_that_is_not_migrated_is_away(ledger: Ledger, book: LedgerBook) -> None:
    await ledger.probe()
    await book.execute("DROP TABLE mailer.suppressions")
    with pytest.raises(ConnectionError):
        await ledger.probe()
