"""The protocol of claims and records, row by row, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import uuid4

import pytest

from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.database import Database
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.ledger import Claim, Ledger, Mail, NotClaimed
from tests.support.couriers import LedgerBook, for_sqlalchemy, now
from tests.support.ledger_mails import FIRST, a_mail, claimed

STALE = timedelta(seconds=60)
SECOND = "second.test:25"


@pytest.fixture
async def ledger(postgres_url: str) -> AsyncIterator[Ledger]:
    made = Ledger(Database(for_sqlalchemy(postgres_url), connections=20), stale_after=STALE)
    yield made
    await made.close()


@pytest.fixture
def book(postgres_url: str) -> LedgerBook:
    return LedgerBook(postgres_url)


async def ours(
    ledger: Ledger,
    mail: Mail,
    *,
    owner: str = "host-1",
    taken_from: tuple[str, ...] = (),
    reopen: Reopen = Reopen.NOTHING,
    provider: str = FIRST,
) -> Claim:
    claim = await claimed(ledger, mail, owner=owner, taken_from=taken_from, reopen=reopen, provider=provider)
    assert isinstance(claim, Claim)
    return claim


async def ended_as(ledger: Ledger, state: State) -> Mail:
    """Give a mail that has ended in `state`."""
    mail = a_mail()
    if state is State.SUPPRESSED:
        await ledger.record_suppressed(mail, owner="host-1", reason="unknown_address")
    elif state is State.EXPIRED:
        mail = replace(mail, expires_at=now() - timedelta(seconds=1))
        await claimed(ledger, mail)
    elif state is State.SENT:
        await ledger.record_sent(await ours(ledger, mail), reply="250 Ok")
    else:
        end: Literal[State.DEAD, State.UNCONFIRMED] = State.DEAD if state is State.DEAD else State.UNCONFIRMED
        await ledger.record_end(await ours(ledger, mail), end, reason="some", error="thing")
    return mail


FINAL = [State.SENT, State.EXPIRED, State.SUPPRESSED, State.DEAD, State.UNCONFIRMED]


async def test_of_fifty_claims_at_once_exactly_one_passes(ledger: Ledger) -> None:
    mail = a_mail()
    outcomes = await asyncio.gather(*(claimed(ledger, mail, owner=f"host-{n}") for n in range(50)))
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert sum(outcome == NotClaimed(State.SENDING) for outcome in outcomes) == 49


async def test_of_fifty_claims_on_a_waiting_mail_exactly_one_passes(ledger: Ledger) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="later", error="")
    outcomes = await asyncio.gather(*(claimed(ledger, mail, owner=f"host-{n}") for n in range(50)))
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1


@pytest.mark.parametrize("owner", ["host-1", "host-2"])
async def test_a_claim_that_stands_refuses_everyone_its_own_owner_too(ledger: Ledger, owner: str) -> None:
    mail = a_mail()
    await ours(ledger, mail)
    assert await claimed(ledger, mail, owner=owner) == NotClaimed(State.SENDING)


async def test_two_recipients_of_an_event_are_two_mails(ledger: Ledger) -> None:
    mail = a_mail()
    await ours(ledger, mail)
    await ours(ledger, replace(mail, recipient="bob@example.org", position=1))


async def test_a_claim_passes_when_the_entry_was_reclaimed_from_its_owner(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    await ours(ledger, mail)
    assert await claimed(ledger, mail, owner="host-2", taken_from=("host-9",)) == NotClaimed(State.SENDING)
    assert isinstance(await claimed(ledger, mail, owner="host-2", taken_from=("host-9", "host-1")), Claim)
    assert (await book.row(mail.event_id))["owner"] == "host-2"


async def test_a_claim_passes_over_a_stale_one_and_not_before(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    await ours(ledger, mail)
    age = "UPDATE mailer.deliveries SET claimed_at = now() - interval '{}'"
    await book.execute(age.format("58 seconds"))
    assert await claimed(ledger, mail, owner="host-2") == NotClaimed(State.SENDING)
    await book.execute(age.format("61 seconds"))
    assert isinstance(await claimed(ledger, mail, owner="host-2"), Claim)


@pytest.mark.parametrize("state", FINAL)
async def test_a_final_state_stays_whatever_comes(ledger: Ledger, book: LedgerBook, state: State) -> None:
    mail = await ended_as(ledger, state)
    refused = await claimed(ledger, mail, owner="host-2", taken_from=("host-1",))
    assert refused == NotClaimed(state)
    await ledger.record_dead(
        event_id=mail.event_id,
        position=0,
        event_type="",
        template="",
        stream="",
        reason="poisonous",
        error="",
    )
    assert (await book.row(mail.event_id))["state"] == state


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("reopen", [Reopen.DEAD, Reopen.EXPIRED])
async def test_a_replay_reopens_what_was_given_up_and_only_a_forced_one_what_expired(
    ledger: Ledger, state: State, reopen: Reopen
) -> None:
    mail = await ended_as(ledger, state)
    outcome = await claimed(ledger, mail, owner="host-2", reopen=reopen)
    reopens = {State.DEAD} if reopen is Reopen.DEAD else {State.DEAD, State.EXPIRED}
    assert isinstance(outcome, Claim) == (state in reopens)


async def test_a_replay_that_is_not_forced_finds_a_late_mail_expired(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = await ended_as(ledger, State.DEAD)
    late = replace(mail, expires_at=now() - timedelta(seconds=1))
    assert await claimed(ledger, late, reopen=Reopen.DEAD) == NotClaimed(State.EXPIRED, now=True)
    assert (await book.row(mail.event_id))["state"] == "expired"
    assert isinstance(await claimed(ledger, late, reopen=Reopen.EXPIRED), Claim)


async def test_a_waiting_mail_expires_by_the_clock_of_postgres(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="later", error="")
    late = replace(mail, expires_at=now() - timedelta(seconds=1))
    assert await claimed(ledger, late) == NotClaimed(State.EXPIRED, now=True)
    assert await claimed(ledger, late) == NotClaimed(State.EXPIRED)
    row = await book.row(mail.event_id)
    assert row["ended_at"] is not None


@pytest.mark.parametrize("how", ["reclaimed", "stale"])
async def test_a_mail_that_is_taken_over_keeps_the_provider_that_may_have_it(
    ledger: Ledger, book: LedgerBook, how: str
) -> None:
    mail = a_mail()
    assert not (await ours(ledger, mail)).bound
    if how == "stale":
        await book.execute("UPDATE mailer.deliveries SET claimed_at = now() - interval '61 seconds'")
    taken_from = ("host-1",) if how == "reclaimed" else ()
    heir = await ours(ledger, mail, owner="host-2", taken_from=taken_from, provider=SECOND)
    assert (heir.provider, heir.bound, heir.unclear) == (FIRST, True, 0)
    await ledger.let_wait(heir, reason="provider_away", error="")
    again = await ours(ledger, mail, owner="host-2", provider=SECOND)
    assert (again.provider, again.bound) == (FIRST, True)


async def test_a_minute_after_it_was_taken_over_any_provider_may_have_it(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    await ours(ledger, mail)
    heir = await ours(ledger, mail, owner="host-2", taken_from=("host-1",), provider=SECOND)
    await ledger.let_wait(heir, reason="provider_away", error="")
    age = "UPDATE mailer.deliveries SET taken_over_at = now() - interval '{}'"
    await book.execute(age.format("58 seconds"))
    held = await ours(ledger, mail, provider=SECOND)
    assert (held.provider, held.bound) == (FIRST, True)
    await ledger.let_wait(held, reason="provider_away", error="")
    await book.execute(age.format("61 seconds"))
    free = await ours(ledger, mail, provider=SECOND)
    assert (free.provider, free.bound) == (SECOND, False)
    assert (await book.row(mail.event_id))["provider"] == SECOND


async def test_a_mail_that_was_let_go_may_have_any_provider(ledger: Ledger) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="provider_away", error="")
    claim = await ours(ledger, mail, provider=SECOND)
    assert (claim.provider, claim.bound) == (SECOND, False)


async def test_an_unclear_mail_keeps_its_provider_for_good_and_a_replay_begins_anew(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="unclear_data", error="data: lost", unclear=1)
    claim = await ours(ledger, mail, provider=SECOND)
    assert (claim.provider, claim.bound, claim.unclear) == (FIRST, True, 1)
    await ledger.record_end(claim, State.DEAD, reason="attempts_exhausted", error="451")
    replay = await ours(ledger, mail, provider=SECOND, reopen=Reopen.DEAD)
    assert (replay.provider, replay.bound, replay.unclear) == (SECOND, False, 0)
    row = await book.row(mail.event_id)
    assert (row["unclear"], row["taken_over_at"]) == (0, None)


async def test_an_unclear_mail_whose_time_passes_is_unconfirmed(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    await ledger.let_wait(await ours(ledger, mail), reason="unclear_data", error="data: lost", unclear=1)
    late = replace(mail, expires_at=now() - timedelta(seconds=1))
    assert await claimed(ledger, late, provider=SECOND) == NotClaimed(State.UNCONFIRMED, now=True)
    row = await book.row(mail.event_id)
    assert (row["state"], row["reason"], row["unclear"]) == ("unconfirmed", "unclear_data", 1)
    assert (row["provider"], row["message_id"]) == (FIRST, "<m@porter.test>")
    assert row["error"] == "its time was over before it could be tried again"
    assert row["ended_at"] is not None


async def test_a_mail_that_no_provider_is_offered_names_none(ledger: Ledger, book: LedgerBook) -> None:
    fresh, tried = a_mail(expires_in=timedelta(seconds=-1)), a_mail()
    await claimed(ledger, fresh)
    await ledger.let_wait(await ours(ledger, tried), reason="rate_spent", error="")
    await claimed(ledger, replace(tried, expires_at=now() - timedelta(seconds=1)))
    for row in await book.rows():
        assert (row["state"], row["reason"]) == ("expired", "expired")
        assert (row["provider"], row["message_id"]) == (None, None)


async def test_a_250_wins_over_whoever_owns_the_mail_now(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    stalled = await ours(ledger, mail)
    taken = await claimed(ledger, mail, owner="host-2", taken_from=("host-1",))
    assert isinstance(taken, Claim)
    age = await ledger.record_sent(stalled, reply="250 Ok")
    assert age is not None
    assert timedelta(seconds=55) < age < timedelta(seconds=90)
    row = await book.row(mail.event_id)
    assert (row["state"], row["owner"], row["reply"]) == ("sent", "host-1", "250 Ok")


async def test_a_250_names_the_provider_that_said_it_and_the_mail_that_it_took(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail, lost = a_mail(), a_mail()
    stalled = await ours(ledger, mail)
    await book.execute("UPDATE mailer.deliveries SET provider = $1, message_id = NULL", SECOND)
    await ledger.record_sent(stalled, reply="250 Ok")
    claim = await ours(ledger, lost)
    await book.execute("DELETE FROM mailer.deliveries WHERE event_id = $1", lost.event_id)
    await ledger.record_sent(claim, reply="250 Ok")
    for row in await book.rows():
        assert (row["state"], row["provider"], row["message_id"]) == ("sent", FIRST, "<m@porter.test>")


async def test_a_250_is_recorded_over_waiting_and_once_however_often_it_is_told(
    ledger: Ledger, book: LedgerBook
) -> None:
    mail = a_mail()
    claim = await ours(ledger, mail)
    await ledger.let_wait(claim, reason="unclear_data", error="", unclear=1)
    assert await ledger.record_sent(claim, reply="250 Ok") is not None
    once = await book.row(mail.event_id)
    assert await ledger.record_sent(claim, reply="250 Ok") is not None
    assert await book.row(mail.event_id) == once
    assert await ledger.record_sent(replace(claim, token=uuid4()), reply="250 Again") is None
    assert await book.row(mail.event_id) == once


async def test_a_250_is_recorded_though_postgres_lost_the_claim(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    claim = await ours(ledger, mail)
    await book.execute("DELETE FROM mailer.deliveries")
    assert await ledger.record_sent(claim, reply="250 Ok") is not None
    assert (await book.row(mail.event_id))["state"] == "sent"
    assert await claimed(ledger, mail) == NotClaimed(State.SENT)


@pytest.mark.parametrize("state", [State.DEAD, State.UNCONFIRMED, State.EXPIRED, State.SUPPRESSED])
async def test_a_250_changes_no_final_state(ledger: Ledger, book: LedgerBook, state: State) -> None:
    mail = await ended_as(ledger, state)
    claim = Claim(mail, "host-1", uuid4(), 0, FIRST, "<m@porter.test>", bound=False)
    assert await ledger.record_sent(claim, reply="250 Ok") is None
    assert (await book.row(mail.event_id))["state"] == state


async def test_a_stale_owner_records_nothing_but_a_250(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    stalled = await ours(ledger, mail)
    taken = await claimed(ledger, mail, owner="host-2", taken_from=("host-1",))
    assert isinstance(taken, Claim)
    assert not await ledger.let_wait(stalled, reason="later", error="")
    assert not await ledger.record_end(stalled, State.DEAD, reason="message_refused", error="")
    assert not await ledger.record_end(stalled, State.UNCONFIRMED, reason="unclear_data", error="")
    row = await book.row(mail.event_id)
    assert (row["state"], row["owner"]) == ("sending", "host-2")
    assert await ledger.record_end(taken, State.DEAD, reason="message_refused", error="")


async def test_an_older_claim_of_the_same_owner_is_a_stale_one_too(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    older = await ours(ledger, mail)
    await ledger.let_wait(older, reason="later", error="")
    await ours(ledger, mail)
    assert not await ledger.let_wait(older, reason="later", error="")
    assert (await book.row(mail.event_id))["state"] == "sending"


async def test_a_record_may_be_repeated(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    claim = await ours(ledger, mail)
    for _ in range(2):
        assert await ledger.let_wait(claim, reason="unclear_data", error="", unclear=1)
    assert (await book.row(mail.event_id))["unclear"] == 1
    claim = await ours(ledger, mail)
    assert claim.unclear == 1
    for _ in range(2):
        assert await ledger.record_end(claim, State.DEAD, reason="message_refused", error="")


async def test_a_dead_letter_is_recorded_on_its_mails_row(ledger: Ledger, book: LedgerBook) -> None:
    mail = a_mail()
    await ours(ledger, mail)
    for _ in range(2):
        await ledger.record_dead(
            event_id=mail.event_id,
            position=0,
            event_type=mail.event_type,
            template=mail.template,
            stream=mail.stream,
            reason="poisonous",
            error="three crashes",
        )
    row = await book.row(mail.event_id)
    assert (row["state"], row["reason"], row["recipient"]) == ("dead", "poisonous", "ada@example.org")


async def test_a_dead_letter_whose_mail_was_never_claimed_gets_a_row_without_recipient(
    ledger: Ledger, book: LedgerBook
) -> None:
    event_id = uuid4()
    for _ in range(2):
        await ledger.record_dead(
            event_id=event_id,
            position=2,
            event_type="porter.auth.unheard_of.v1",
            template="",
            stream="",
            reason="unknown_type",
            error="",
        )
    row = await book.row(event_id)
    assert (row["state"], row["reason"]) == ("dead", "unknown_type")
    assert (row["recipient"], row["position"]) == ("", 2)


async def test_old_rows_are_forgotten_in_batches_and_young_ones_kept(
    ledger: Ledger, book: LedgerBook
) -> None:
    for _ in range(5):
        await ours(ledger, a_mail())
    await book.execute("UPDATE mailer.deliveries SET created_at = now() - interval '35 days 1 minute'")
    young = a_mail()
    await ours(ledger, young)
    assert [await ledger.forget(batch=3) for _ in range(3)] == [3, 2, 0]
    assert [row["event_id"] for row in await book.rows()] == [young.event_id]
