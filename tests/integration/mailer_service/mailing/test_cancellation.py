"""A delivery that is cancelled lets its mail go, or carries it to its record."""

import asyncio
from datetime import timedelta

import pytest

from mailer_service.mailing.deliveries import Busy, Sent
from tests.support.couriers import LedgerBook, attempt, courier, otp_requested
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.waiting import until


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.EHLO, Phase.MAIL, Phase.RCPT])
async def test_cancelled_before_data_it_lets_the_mail_go_at_once(postgres_url: str, phase: Phase) -> None:
    event = otp_requested()
    plan = rules(Rule(phase, Fault(silent=True)))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: smtp.reached[phase], within=5)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        assert (await LedgerBook(postgres_url).row(event.id))["state"] == "waiting"
        smtp.plan = rules()
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    assert len(smtp.accepted) == 1


async def test_cancelled_while_it_waits_for_a_slot_it_has_claimed_nothing(postgres_url: str) -> None:
    plan = rules(Rule(Phase.RCPT, Fault(silent=True), recipient="slow@example.org"))
    event = otp_requested()
    async with (
        FaultSmtp(plan) as smtp,
        courier(postgres_url, smtp.url, connections=1, reserved=0) as carrier,
    ):
        slow = asyncio.create_task(
            carrier.deliver(otp_requested("slow@example.org"), position=0, attempt=attempt())
        )
        await until(lambda: smtp.reached[Phase.RCPT], within=5)
        waiting = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: carrier.in_hand == 2, within=5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    assert [row["state"] for row in await LedgerBook(postgres_url).rows()] == ["waiting", "sent"]


async def test_cancelled_after_data_began_it_is_carried_to_its_record(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault(delay=0.3)))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: smtp.reached[Phase.CONTENT], within=5)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        assert (await LedgerBook(postgres_url).row(event.id))["state"] == "sent"


async def test_cancelled_while_a_failure_is_recorded_it_leaves_no_claim_behind(postgres_url: str) -> None:
    event, book = otp_requested(), LedgerBook(postgres_url)
    plan = rules(Rule(Phase.RCPT, Fault("451 4.3.0 Later", delay=0.2), first=1))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
        await until(lambda: smtp.reached[Phase.RCPT], within=5)
        async with book.locked(event.id) as waiting:
            record = await until(waiting, within=5)
            delivery.cancel()

            async def is_given_up() -> bool:
                return not record & await waiting()

            await until(is_given_up, within=5)
        with pytest.raises(asyncio.CancelledError):
            await delivery
        assert (await book.row(event.id))["state"] == "waiting"
        assert await carrier.deliver(event, position=0, attempt=attempt(owner="host-2")) == Sent()


async def test_the_same_mail_twice_at_once_is_sent_once(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault(delay=0.3)))
    async with (
        FaultSmtp(plan) as smtp,
        courier(postgres_url, smtp.url, stale_after=timedelta(0)) as carrier,
    ):
        endings = await asyncio.gather(
            *(carrier.deliver(event, position=0, attempt=attempt()) for _ in range(20))
        )
    assert sorted(map(type, endings), key=lambda kind: kind.__name__) == [Busy] * 19 + [Sent]
    assert len(smtp.accepted) == 1


async def test_closing_waits_for_what_is_under_way(postgres_url: str) -> None:
    event = otp_requested()
    plan = rules(Rule(Phase.CONTENT, Fault(delay=0.3)))
    async with FaultSmtp(plan) as smtp:
        async with courier(postgres_url, smtp.url) as carrier:
            delivery = asyncio.create_task(carrier.deliver(event, position=0, attempt=attempt()))
            await until(lambda: smtp.reached[Phase.CONTENT], within=5)
        assert await delivery == Sent()
