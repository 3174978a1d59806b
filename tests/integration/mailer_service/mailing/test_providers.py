"""A second provider stands in while the first is away, and never for a mail that the first may have sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.courier import Courier
from mailer_service.mailing.deliveries import (
    Away,
    Held,
    PassedOn,
    Postponed,
    Rejected,
    Sent,
    Unconfirmed,
)
from mailer_service.mailing.providers import Providers
from mailer_service.mailing.slots import Slots
from tests.support.couriers import (
    LedgerBook,
    account_approved,
    attempt,
    courier,
    now,
    otp_requested,
    provider,
    two_providers,
)
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.waiting import until


@asynccontextmanager
async def carrying(
    postgres_url: str, first: FaultSmtp, second: FaultSmtp
) -> AsyncIterator[tuple[Courier, Providers]]:
    providers = two_providers(first.url, second.url)
    async with courier(postgres_url, providers, deadline=timedelta(seconds=5)) as carrier:
        yield carrier, providers


def name_of(smtp: FaultSmtp) -> str:
    return f"{smtp.host}:{smtp.port}"


def breaker_of(smtp: FaultSmtp) -> float | None:
    return REGISTRY.get_sample_value("mailer_smtp_breaker_open", {"provider": name_of(smtp)})


async def is_there(providers: Providers, smtp: FaultSmtp) -> None:
    found = providers.named(name_of(smtp))
    assert found is not None
    await until(lambda: not found.is_away, within=10)


async def test_the_second_takes_over_and_the_first_comes_back_by_itself(postgres_url: str) -> None:
    book, early, late = LedgerBook(postgres_url), otp_requested(), otp_requested()
    async with (
        FaultSmtp() as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, providers),
    ):
        assert (breaker_of(first), breaker_of(second)) == (0, 0)
        await first.stop()
        assert isinstance(await carrier.deliver(early, position=0, attempt=attempt(last=True)), PassedOn)
        row = await book.row(early.id)
        assert (row["state"], row["reason"], row["provider"]) == ("waiting", "provider_away", name_of(first))
        assert (breaker_of(first), breaker_of(second)) == (1, 0)

        assert await carrier.deliver(early, position=0, attempt=attempt(last=True)) == Sent()
        row = await book.row(early.id)
        assert (row["state"], row["attempts"], row["provider"]) == ("sent", 1, name_of(second))

        await first.start()
        await is_there(providers, first)
        assert (breaker_of(first), breaker_of(second)) == (0, 0)
        assert await carrier.deliver(late, position=0, attempt=attempt()) == Sent()
        assert (await book.row(late.id))["provider"] == name_of(first)
    assert (len(first.accepted), len(second.accepted)) == (1, 1)


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        (Phase.CONNECT, "554 5.3.2 Go away"),
        (Phase.EHLO, "421 4.3.2 Shutting down"),
        (Phase.MAIL, "553 5.1.8 Sender unknown"),
    ],
)
async def test_what_is_not_the_mails_fault_sends_it_to_the_second(
    postgres_url: str, phase: Phase, reply: str
) -> None:
    event = otp_requested()
    async with (
        FaultSmtp(rules(Rule(phase, Fault(reply)))) as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, _),
    ):
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), PassedOn)
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    assert [mail.recipient for mail in second.accepted] == ["ada@example.org"]


@pytest.mark.parametrize("reply", ["451 4.3.0 Later", "550 5.1.1 Who?", "550 5.7.1 No"])
async def test_what_is_said_of_the_mail_opens_no_breaker(postgres_url: str, reply: str) -> None:
    async with (
        FaultSmtp(rules(Rule(Phase.RCPT, Fault(reply)))) as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, _),
    ):
        ending = await carrier.deliver(otp_requested(), position=0, attempt=attempt())
        assert isinstance(ending, Postponed | Rejected)
        assert breaker_of(first) == 0
    assert second.connections == 0


async def test_after_an_unclear_data_no_other_provider_gets_the_mail_and_other_mail_flows(
    postgres_url: str,
) -> None:
    book, unclear, other = LedgerBook(postgres_url), otp_requested(), otp_requested("grace@example.org")
    plan = rules(Rule(Phase.CONTENT, Fault(drop_before=True), recipient="ada@example.org", first=1))
    async with (
        FaultSmtp(plan) as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, providers),
    ):
        ending = await carrier.deliver(unclear, position=0, attempt=attempt())
        assert isinstance(ending, Postponed)
        assert ending.reason == "unclear_data"
        await first.stop()
        assert isinstance(await carrier.deliver(other, position=0, attempt=attempt()), PassedOn)
        assert await carrier.deliver(other, position=0, attempt=attempt()) == Sent()

        for _ in range(3):
            held = await carrier.deliver(unclear, position=0, attempt=attempt(number=2, last=True))
            assert isinstance(held, Held)
            assert (held.reason, held.after) == ("provider_away", timedelta(seconds=5))
        row = await book.row(unclear.id)
        assert (row["state"], row["unclear"], row["provider"]) == ("waiting", 1, name_of(first))

        await first.start()
        await is_there(providers, first)
        assert await carrier.deliver(unclear, position=0, attempt=attempt(number=2, last=True)) == Sent()
    assert [mail.recipient for mail in second.accepted] == ["grace@example.org"]
    assert [mail.recipient for mail in first.accepted] == ["ada@example.org"] * 2
    assert len({mail.message_id for mail in first.accepted}) == 1


async def test_a_mail_that_was_unclear_at_the_second_goes_back_there_though_the_first_is_preferred(
    postgres_url: str,
) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault(drop_before=True), first=1))
    async with (
        FaultSmtp() as first,
        FaultSmtp(plan) as second,
        carrying(postgres_url, first, second) as (carrier, providers),
    ):
        await first.stop()
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), PassedOn)
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Postponed)
        await first.start()
        await is_there(providers, first)
        assert await carrier.deliver(event, position=0, attempt=attempt(number=2)) == Sent()
    assert (len(first.accepted), len(second.accepted)) == (0, 2)


async def test_an_unclear_mail_of_a_provider_that_is_in_use_no_more_is_unconfirmed(
    postgres_url: str,
) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault(drop_before=True)))
    async with FaultSmtp(plan) as gone, FaultSmtp() as newer:
        async with courier(postgres_url, gone.url) as carrier:
            assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Postponed)
        async with courier(postgres_url, newer.url) as carrier:
            assert await carrier.deliver(event, position=0, attempt=attempt(number=2)) == Unconfirmed()
        assert newer.connections == 0
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["provider"]) == ("unconfirmed", name_of(gone))


DIED_WITH_IT_IN_HAND = "UPDATE mailer.deliveries SET state = 'sending', provider = $1"
HEIRS = attempt(owner="host-2", taken_from=("host-1",))


@pytest.mark.parametrize("in_use_still", [True, False])
async def test_a_mail_whose_mailer_died_waits_a_minute_at_most_for_the_provider_that_may_have_it(
    postgres_url: str, *, in_use_still: bool
) -> None:
    book, event = LedgerBook(postgres_url), otp_requested()
    async with FaultSmtp() as first, FaultSmtp() as second, FaultSmtp() as third:
        preferred = first if in_use_still else third
        await first.stop()
        await third.stop()
        async with carrying(postgres_url, preferred, second) as (carrier, _):
            assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), PassedOn)
            await book.execute(DIED_WITH_IT_IN_HAND, name_of(first))
            for _ in range(2):
                held = await carrier.deliver(event, position=0, attempt=HEIRS)
                assert isinstance(held, Held)
                assert (held.reason, held.after) == ("provider_away", timedelta(seconds=5))
            assert (await book.row(event.id))["provider"] == name_of(first)
            await book.execute(
                "UPDATE mailer.deliveries SET taken_over_at = taken_over_at - interval '1 minute'"
            )
            assert await carrier.deliver(event, position=0, attempt=HEIRS) == Sent()
    assert (first.connections, len(second.accepted)) == (0, 1)
    assert (await book.row(event.id))["provider"] == name_of(second)


async def test_a_mail_whose_mailer_died_goes_on_at_once_by_the_provider_that_may_have_it(
    postgres_url: str,
) -> None:
    book, event = LedgerBook(postgres_url), otp_requested()
    async with (
        FaultSmtp() as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, providers),
    ):
        await first.stop()
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), PassedOn)
        await first.start()
        await is_there(providers, first)
        await book.execute(DIED_WITH_IT_IN_HAND, name_of(second))
        assert await carrier.deliver(event, position=0, attempt=HEIRS) == Sent()
    assert (len(first.accepted), len(second.accepted)) == (0, 1)


async def test_an_unclear_mail_whose_time_is_over_is_unconfirmed(postgres_url: str) -> None:
    event = otp_requested(expires_in=timedelta(seconds=2))
    plan = rules(Rule(Phase.CONTENT, Fault(drop_before=True)))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Postponed)

        async def is_over() -> bool:
            return now() > event.gives_up_at()

        await until(is_over, within=5)
        assert await carrier.deliver(event, position=0, attempt=attempt(number=2)) == Unconfirmed()
    assert len(smtp.accepted) == 1
    assert (await LedgerBook(postgres_url).row(event.id))["provider"] == name_of(smtp)


async def test_an_operators_replay_may_use_any_provider(postgres_url: str) -> None:
    event = otp_requested()
    unclear = rules(Rule(Phase.CONTENT, Fault(drop_before=True)))
    async with FaultSmtp(unclear) as gone, courier(postgres_url, gone.url) as carrier:
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Postponed)
        gone.plan = rules(Rule(Phase.RCPT, Fault("550 5.7.1 No")))
        refused = await carrier.deliver(event, position=0, attempt=attempt(number=2))
        assert isinstance(refused, Rejected)
    async with FaultSmtp() as newer, courier(postgres_url, newer.url) as carrier:
        replay = attempt(reopen=Reopen.DEAD)
        assert await carrier.deliver(event, position=0, attempt=replay) == Sent()
    assert (await LedgerBook(postgres_url).row(event.id))["provider"] == name_of(newer)


async def test_only_with_all_of_them_away_is_it_an_outage_and_either_ends_it(postgres_url: str) -> None:
    event = otp_requested()
    async with (
        FaultSmtp() as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, providers),
    ):
        await first.stop()
        await second.stop()
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), PassedOn)
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Away)
        with pytest.raises(ConnectionError):
            await carrier.probe_smtp()
        await second.start()
        await carrier.probe_smtp()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
        await first.start()
        await is_there(providers, first)
    assert (len(first.accepted), len(second.accepted)) == (0, 1)


async def test_one_that_never_answers_a_probe_does_not_delay_the_answer_of_the_other(
    postgres_url: str,
) -> None:
    async with (
        FaultSmtp(rules(Rule(Phase.CONNECT, Fault(silent=True)))) as first,
        FaultSmtp() as second,
        carrying(postgres_url, first, second) as (carrier, _),
    ):
        await asyncio.wait_for(carrier.probe_smtp(), timeout=4)  # the first would be given up after 5 s
    assert second.connections == 1


async def test_a_mail_without_a_turn_in_time_goes_back_and_spends_no_attempt(postgres_url: str) -> None:
    book, event = LedgerBook(postgres_url), otp_requested()
    async with FaultSmtp() as smtp:
        providers = Providers(provider(smtp.url, rate="1/3600"), slots=Slots(total=4, reserved=1))
        async with courier(postgres_url, providers, deadline=timedelta(seconds=1)) as carrier:
            assert await carrier.deliver(otp_requested(), position=0, attempt=attempt()) == Sent()
            for _ in range(2):
                held = await carrier.deliver(event, position=0, attempt=attempt(last=True))
                assert isinstance(held, Held)
                assert held.reason == "rate_spent"
                assert timedelta(minutes=50) < held.after <= timedelta(hours=1)
            row = await book.row(event.id)
            assert (row["state"], row["reason"], row["attempts"]) == ("waiting", "rate_spent", 1)
            assert providers.slots.in_use == 0
    assert (len(smtp.accepted), smtp.connections) == (1, 1)


async def test_cancelled_while_it_waits_for_a_turn_it_lets_the_mail_go(postgres_url: str) -> None:
    book, event = LedgerBook(postgres_url), account_approved()
    async with FaultSmtp() as smtp:
        providers = Providers(provider(smtp.url, rate="1/3600"), slots=Slots(total=4, reserved=1))
        async with courier(postgres_url, providers) as carrier:
            assert await carrier.deliver(otp_requested(), position=0, attempt=attempt()) == Sent()
            delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))

            async def is_claimed() -> bool:
                return "sending" in await book.states()

            await until(is_claimed, within=5)
            delivery.cancel()
            with pytest.raises(asyncio.CancelledError):
                await delivery
            assert (await book.row(event.id))["state"] == "waiting"
    assert len(smtp.accepted) == 1


async def test_the_only_one_is_there_again_with_the_next_250(postgres_url: str) -> None:
    async with FaultSmtp() as smtp:
        only = provider(smtp.url)
        providers = Providers(only, slots=Slots(total=4, reserved=1))
        async with courier(postgres_url, providers) as carrier:
            providers.lost(only, "the ledger was away, too: so nobody asks it")
            assert breaker_of(smtp) == 1
            assert await carrier.deliver(otp_requested(), position=0, attempt=attempt()) == Sent()
            assert (breaker_of(smtp), only.is_away) == (0, False)


async def test_a_server_that_says_when_to_come_back_before_it_is_asked_for_mail_is_left_alone(
    postgres_url: str,
) -> None:
    plan = rules(Rule(Phase.EHLO, Fault("421 4.7.0 Too busy, try again in 300 seconds")))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        assert isinstance(await carrier.deliver(otp_requested(), position=0, attempt=attempt()), Away)
        with pytest.raises(ConnectionError, match=r"left alone for (300|299) s more"):
            await carrier.probe_smtp()
        assert smtp.connections == 1
