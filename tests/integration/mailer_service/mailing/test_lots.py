"""What many mails ask of the ledger at once is one statement, and each is answered as if it were alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError

from mailer_service.mailing.database import Database, PostgresAway
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.ledger import Claim, Ledger, NotClaimed
from tests.support.couriers import LedgerBook, for_sqlalchemy
from tests.support.ledger_mails import a_mail, claimed
from tests.support.waiting import until


class Counting(Database):
    """Counts statements."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.statements = 0

    async def rows(self, statement: TextClause, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as there
        self.statements += 1
        return await super().rows(statement, values)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Counting]:
    made = Counting(for_sqlalchemy(postgres_url))
    yield made
    await made.close()


async def test_a_hundred_mails_take_a_few_statements(database: Counting, postgres_url: str) -> None:
    ledger = Ledger(database)
    mails = [a_mail() for _ in range(100)]
    claims = await asyncio.gather(*(claimed(ledger, mail) for mail in mails))
    assert [claim.mail for claim in claims if isinstance(claim, Claim)] == mails
    ages = await asyncio.gather(
        *(ledger.record_sent(claim, reply="250 ok") for claim in claims if isinstance(claim, Claim))
    )
    assert None not in ages
    assert database.statements <= 4
    book = LedgerBook(postgres_url)
    assert {(await book.row(mail.event_id))["state"] for mail in mails} == {State.SENT}


async def test_each_of_a_lot_gets_its_own_answer(database: Counting) -> None:
    ledger = Ledger(database)
    expired, sent, held = a_mail(expires_in=timedelta(seconds=-1)), a_mail(), a_mail()
    claim = await claimed(ledger, sent)
    assert isinstance(claim, Claim)
    await ledger.record_sent(claim, reply="250 ok")
    assert isinstance(await claimed(ledger, held, owner="host-2"), Claim)
    fresh = a_mail()
    answers = await asyncio.gather(*(claimed(ledger, mail) for mail in (expired, sent, held, fresh)))
    assert answers[:3] == [
        NotClaimed(State.EXPIRED, now=True),
        NotClaimed(State.SENT),
        NotClaimed(State.SENDING),
    ]
    assert isinstance(answers[3], Claim)


async def test_a_mail_that_postgres_cannot_take_spoils_no_other(database: Counting) -> None:
    ledger = Ledger(database)
    good = [a_mail() for _ in range(3)]
    odd = replace(a_mail(), recipient="a\0b@example.org")
    answers = await asyncio.gather(
        *(claimed(ledger, mail) for mail in (good[0], odd, *good[1:])), return_exceptions=True
    )
    assert isinstance(answers.pop(1), DBAPIError)
    assert [type(answer) for answer in answers] == [Claim, Claim, Claim]


async def test_a_row_that_somebody_locks_holds_up_no_other_mail(
    database: Counting, postgres_url: str
) -> None:
    ledger = Ledger(database)
    locked = a_mail()
    claim = await claimed(ledger, locked)
    assert isinstance(claim, Claim)
    operator = await asyncpg.connect(postgres_url)
    transaction = operator.transaction()
    await transaction.start()
    await operator.execute("UPDATE mailer.deliveries SET error = 'seen' WHERE event_id = $1", locked.event_id)
    recording = asyncio.create_task(ledger.record_sent(claim, reply="250 ok"))
    others = [await claimed(ledger, a_mail()) for _ in range(3)]
    records = [ledger.record_sent(other, reply="250 ok") for other in others if isinstance(other, Claim)]
    assert len(await asyncio.gather(*records)) == 3
    assert not recording.done()
    await transaction.rollback()
    await until(recording.done, within=10)
    assert recording.result() is not None
    await operator.close()


async def test_a_row_that_somebody_locks_spoils_no_other_mail_of_its_lot(
    database: Counting, postgres_url: str
) -> None:
    ledger = Ledger(database)
    locked = a_mail()
    assert isinstance(await claimed(ledger, locked, owner="host-2"), Claim)
    operator = await asyncpg.connect(postgres_url)
    transaction = operator.transaction()
    await transaction.start()
    await operator.execute("SELECT FROM mailer.deliveries WHERE event_id = $1 FOR UPDATE", locked.event_id)
    mails = [a_mail() for _ in range(30)]
    mates = asyncio.gather(*(claimed(ledger, mail) for mail in mails))
    with pytest.raises(PostgresAway):
        await claimed(ledger, locked, taken_from=("host-2",))
    assert {type(claim) for claim in await mates} == {Claim}
    await transaction.rollback()
    await operator.close()
    assert isinstance(await claimed(ledger, locked, taken_from=("host-2",)), Claim)


async def test_what_is_claimed_for_somebody_who_is_cancelled_is_let_go_of(
    database: Counting, postgres_url: str
) -> None:
    ledger, other = Ledger(database), Database(for_sqlalchemy(postgres_url))
    mails = [a_mail() for _ in range(5)]
    operator = await asyncpg.connect(postgres_url)
    transaction = operator.transaction()
    await transaction.start()
    await operator.execute("LOCK TABLE mailer.deliveries IN EXCLUSIVE MODE")
    claiming = [asyncio.create_task(claimed(ledger, mail)) for mail in mails]
    await until(lambda: database.statements, within=5)
    for claim in claiming:
        claim.cancel()
    await transaction.rollback()
    await operator.close()
    ends = await asyncio.gather(*claiming, return_exceptions=True)
    assert {type(end) for end in ends} == {asyncio.CancelledError}
    again = await asyncio.gather(*(claimed(Ledger(other), mail, owner="host-2") for mail in mails))
    assert {type(claim) for claim in again} == {Claim}
    await other.close()


async def test_two_mailers_take_the_same_lots_without_a_deadlock(
    database: Counting, postgres_url: str
) -> None:
    other = Database(for_sqlalchemy(postgres_url))
    mailers = [Ledger(database), Ledger(other)]
    for _ in range(5):
        mails = [a_mail() for _ in range(50)]
        there = asyncio.gather(*(claimed(mailers[1], mail, owner="host-2") for mail in reversed(mails)))
        here = await asyncio.gather(*(claimed(mailers[0], mail) for mail in mails))
        taken = [*here, *await there]
        assert sum(isinstance(claim, Claim) for claim in taken) == len(mails)
    await other.close()
