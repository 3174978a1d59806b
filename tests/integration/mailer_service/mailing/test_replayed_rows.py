"""A mail that died before its recipient was known: a replay leaves one row of it, on a real Postgres."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.database import Database
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.ledger import Claim, Ledger, Mail, NotClaimed
from tests.support.couriers import LedgerBook, attempt, for_sqlalchemy, now


@pytest.fixture
async def ledger(postgres_url: str) -> AsyncIterator[Ledger]:
    made = Ledger(Database(for_sqlalchemy(postgres_url), connections=2))
    yield made
    await made.close()


@pytest.fixture
def book(postgres_url: str) -> LedgerBook:
    return LedgerBook(postgres_url)


@pytest.fixture
async def mail(ledger: Ledger) -> Mail:
    """Give a mail whose entry became a dead letter before anyone could read its recipient."""
    died = Mail(
        event_id=uuid4(),
        recipient="ada@example.org",
        position=1,
        event_type="porter.auth.otp_requested.v1",
        template="otp_code",
        stream="login",
        occurred_at=now() - timedelta(minutes=1),
        expires_at=now() + timedelta(minutes=10),
    )
    await ledger.record_dead(
        event_id=died.event_id,
        position=died.position,
        event_type=died.event_type,
        template=died.template,
        stream=died.stream,
        reason="unknown_key",
        error="",
    )
    return died


async def claimed(ledger: Ledger, mail: Mail, reopen: Reopen) -> Claim | NotClaimed:
    return await ledger.claim(
        mail,
        attempt(owner="host-1", taken_from=(), reopen=reopen),
        message_id="<m@porter.test>",
        provider="smtp.test:25",
    )


async def states(book: LedgerBook) -> set[tuple[object, object]]:
    return {(row["recipient"], row["state"]) for row in await book.rows()}


@pytest.mark.parametrize("reopen", [Reopen.DEAD, Reopen.EXPIRED])
async def test_a_replayed_mail_has_the_one_row_that_names_its_recipient(
    ledger: Ledger, book: LedgerBook, mail: Mail, reopen: Reopen
) -> None:
    claim = await claimed(ledger, mail, reopen)
    assert isinstance(claim, Claim)
    await ledger.record_sent(claim, reply="250 Ok")

    assert await states(book) == {("ada@example.org", "sent")}


async def test_a_replay_that_finds_the_mail_expired_leaves_one_row_too(
    ledger: Ledger, book: LedgerBook, mail: Mail
) -> None:
    late = replace(mail, expires_at=now() - timedelta(seconds=1))
    assert await claimed(ledger, late, Reopen.DEAD) == NotClaimed(State.EXPIRED, now=True)

    assert await states(book) == {("ada@example.org", "expired")}


async def test_a_replay_of_another_of_the_events_mails_leaves_the_row(
    ledger: Ledger, book: LedgerBook, mail: Mail
) -> None:
    other = replace(mail, recipient="bob@example.org", position=0)
    assert isinstance(await claimed(ledger, other, Reopen.DEAD), Claim)

    assert await states(book) == {("", "dead"), ("bob@example.org", "sending")}


async def test_a_claim_without_a_replay_and_a_refused_one_leave_the_row(
    ledger: Ledger, book: LedgerBook, mail: Mail
) -> None:
    assert isinstance(await claimed(ledger, mail, Reopen.NOTHING), Claim)
    assert await claimed(ledger, mail, Reopen.DEAD) == NotClaimed(State.SENDING)

    assert await states(book) == {("", "dead"), ("ada@example.org", "sending")}
