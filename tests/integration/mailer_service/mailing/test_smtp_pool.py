"""Connections are shared, used again, and never mistaken for an outage when they have gone stale."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from mailer_service.mailing.handover import Failed, HandedOver, NotBegun, hand_over
from mailer_service.mailing.replies import Outage, Passing, Refused
from mailer_service.mailing.smtp_connection import Envelope
from mailer_service.mailing.smtp_dialogue import SmtpDialogue
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from tests.support.couriers import account_approved, attempt, courier, otp_requested
from tests.support.fault_smtp import Asked, Fault, FaultSmtp, Phase, Rule, rules
from tests.support.waiting import until

RAW = (
    b"Subject: hello\r\nMessage-ID: <1@porter.test>\r\n\r\n"
    b"hello\r\n.a line that begins with a dot\r\n..another\r\n.\r\n"
)


@pytest.fixture(params=[False, True], ids=["in_turn", "pipelined"], autouse=True)
def pipelining(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Say all of it with a server that takes commands one at a time, and one that takes them at once."""
    monkeypatch.setattr(FaultSmtp, "pipelining", request.param)
    return bool(request.param)


@asynccontextmanager
async def pooled(
    smtp: FaultSmtp,
    *,
    mails_each: int = 100,
    idle: timedelta = timedelta(seconds=30),
    reused_patience: timedelta = timedelta(seconds=5),
) -> AsyncIterator[SmtpPool]:
    pool = SmtpPool(
        SmtpUrl.parse(smtp.url), mails_each=mails_each, idle=idle, reused_patience=reused_patience
    )
    yield pool
    pool.close()


async def send(
    pool: SmtpPool, recipient: str = "ada@example.org", *, within: float = 10.0
) -> HandedOver | Failed:
    ended = await hand_over(
        lambda _: RAW,
        envelope=Envelope("porter@porter.test", recipient),
        pool=pool,
        may_begin=lambda: True,
        begin_data=lambda: True,
        until=asyncio.get_running_loop().time() + within,
        secrets=(recipient,),
    )
    assert isinstance(ended, HandedOver | Failed)
    return ended


async def test_one_connection_carries_many_mails_unharmed() -> None:
    async with FaultSmtp() as smtp, pooled(smtp) as pool:
        for _ in range(20):
            assert await send(pool) == HandedOver("250 2.0.0 Accepted")
    assert smtp.connections == 1
    assert {mail.raw for mail in smtp.accepted} == {RAW}


async def test_a_reply_is_heard_that_comes_before_the_loop_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    say = SmtpDialogue.say

    def answered_at_once(dialogue: SmtpDialogue, *commands: bytes) -> None:
        """Answer as a server that is faster than the event loop, which uvloop lets happen."""
        say(dialogue, *commands)
        if commands[-1].endswith(b"\r\n.\r\n"):
            dialogue.data_received(b"250 2.0.0 At once\r\n")

    monkeypatch.setattr(SmtpDialogue, "say", answered_at_once)
    async with FaultSmtp(rules(Rule(Phase.CONTENT, Fault(silent=True)))) as smtp, pooled(smtp) as pool:
        assert await send(pool, within=2) == HandedOver("250 2.0.0 At once")


async def test_commands_go_together_where_the_server_takes_them_so(
    monkeypatch: pytest.MonkeyPatch, *, pipelining: bool
) -> None:
    said: list[int] = []
    say = SmtpDialogue.say

    def counted(dialogue: SmtpDialogue, *commands: bytes) -> None:
        said.append(len(commands))
        say(dialogue, *commands)

    monkeypatch.setattr(SmtpDialogue, "say", counted)
    async with FaultSmtp() as smtp, pooled(smtp) as pool:
        assert isinstance(await send(pool), HandedOver)
    assert said == ([3, 1] if pipelining else [1, 1, 1, 1])


async def test_nothing_is_said_of_a_mail_whose_time_to_begin_is_over(*, pipelining: bool) -> None:
    async with FaultSmtp() as smtp, pooled(smtp) as pool:
        ended = await hand_over(
            lambda _: RAW,
            envelope=Envelope("porter@porter.test", "ada@example.org"),
            pool=pool,
            may_begin=lambda: False,
            begin_data=lambda: False,
            until=asyncio.get_running_loop().time() + 10,
            secrets=(),
        )
        assert ended == NotBegun()
        assert isinstance(await send(pool), HandedOver)
    assert smtp.reached[Phase.DATA] == 1
    assert smtp.reached[Phase.MAIL] == (1 if pipelining else 2)


async def test_a_server_that_waits_for_content_after_a_refusal_gets_none() -> None:
    plan = rules(
        Rule(Phase.RCPT, Fault("550 5.1.1 Who?"), recipient="nobody@example.org"),
        Rule(Phase.REFUSED_DATA, Fault("354 Go on"), recipient="nobody@example.org"),
    )
    async with FaultSmtp(plan) as smtp, pooled(smtp) as pool:
        refused = await send(pool, "nobody@example.org")
        assert isinstance(refused, Failed)
        assert refused.verdict == Refused("recipient_refused", bounced=True)
        assert isinstance(await send(pool), HandedOver)
        assert [mail.recipient for mail in smtp.accepted] == ["ada@example.org"]


async def test_a_refusal_stays_one_though_the_rest_is_answered_late() -> None:
    plan = rules(
        Rule(Phase.RCPT, Fault("550 5.1.1 Who?", delay=0.2), recipient="nobody@example.org"),
        Rule(Phase.REFUSED_DATA, Fault(silent=True), recipient="nobody@example.org"),
    )
    async with FaultSmtp(plan) as smtp, pooled(smtp) as pool:
        refused = await send(pool, "nobody@example.org", within=0.7)
        assert isinstance(refused, Failed)
        assert refused.verdict == Refused("recipient_refused", bounced=True)
        assert isinstance(await send(pool), HandedOver)


async def test_a_goodbye_to_an_idle_connection_is_no_answer_to_the_next_mail() -> None:
    async with FaultSmtp() as smtp, pooled(smtp) as pool:
        await send(pool)
        (writer,) = smtp._open
        writer.write(b"421 4.4.2 Idle for too long\r\n")
        await until(lambda: smtp.open_connections == 0, within=5)
        assert isinstance(await send(pool), HandedOver)
    assert smtp.connections == 2


async def test_a_connection_is_left_after_its_share_of_mails() -> None:
    async with FaultSmtp() as smtp, pooled(smtp, mails_each=5) as pool:
        for _ in range(11):
            await send(pool)
    assert smtp.connections == 3


async def test_an_idle_connection_is_left() -> None:
    async with FaultSmtp() as smtp, pooled(smtp, idle=timedelta(seconds=0.05)) as pool:
        await send(pool)
        await until(lambda: smtp.open_connections == 0, within=5)
        await send(pool)
    assert smtp.connections == 2


async def test_closing_leaves_idle_connections() -> None:
    async with FaultSmtp() as smtp:
        async with pooled(smtp) as pool:
            await asyncio.gather(*(send(pool) for _ in range(4)))
        await until(lambda: smtp.open_connections == 0, within=5)


async def test_after_a_refusal_the_connection_is_reset_and_used_again() -> None:
    plan = rules(Rule(Phase.RCPT, Fault("550 5.1.1 Who?"), recipient="nobody@example.org"))
    async with FaultSmtp(plan) as smtp, pooled(smtp) as pool:
        for _ in range(3):
            refused = await send(pool, "nobody@example.org")
            assert isinstance(refused, Failed)
            assert refused.verdict == Refused("recipient_refused", bounced=True)
            assert isinstance(await send(pool), HandedOver)
    assert smtp.connections == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("421 4.7.0 Goodbye"),
        Fault("421 4.7.0 Goodbye", drop_after=True),
        Fault(drop_before=True),
        Fault("nonsense"),
        Fault("250 2.0.0 Not what I asked", delay=0),
    ],
)
async def test_a_connection_of_doubtful_state_is_not_used_again(fault: Fault) -> None:
    plan = rules(Rule(Phase.DATA, fault, recipient="odd@example.org"))
    async with FaultSmtp(plan) as smtp, pooled(smtp) as pool:
        failed = await send(pool, "odd@example.org")
        assert isinstance(failed, Failed)
        assert isinstance(failed.verdict, Passing)
        assert isinstance(await send(pool), HandedOver)
    assert smtp.connections == 2


async def test_a_connection_that_the_server_closed_is_replaced_without_a_failure() -> None:
    async with FaultSmtp() as smtp, pooled(smtp) as pool:
        await send(pool)
        await smtp.stop()
        await smtp.start()
        assert isinstance(await send(pool), HandedOver)


@pytest.mark.parametrize("fault", [Fault("421 4.4.2 Timed out", drop_after=True), Fault(drop_before=True)])
async def test_a_connection_that_dies_at_its_next_mail_is_replaced_once(fault: Fault) -> None:
    def second_mail(asked: Asked) -> Fault | None:
        return fault if asked.phase is Phase.MAIL and asked.seen == 2 else None

    async with FaultSmtp(second_mail) as smtp, pooled(smtp) as pool:
        await send(pool)
        assert isinstance(await send(pool), HandedOver)
    assert smtp.connections == 2


async def test_a_connection_that_has_fallen_silent_is_replaced_long_before_the_deadline() -> None:
    def silent_at_second(asked: Asked) -> Fault | None:
        return Fault(silent=True) if asked.phase is Phase.MAIL and asked.seen == 2 else None

    async with (
        FaultSmtp(silent_at_second) as smtp,
        pooled(smtp, reused_patience=timedelta(seconds=0.2)) as pool,
    ):
        await send(pool)
        assert isinstance(await send(pool), HandedOver)
    assert smtp.connections == 2


@pytest.mark.parametrize("fault", [Fault("502 5.5.1 What?"), Fault(drop_before=True), Fault(silent=True)])
async def test_a_connection_that_cannot_be_reset_is_replaced(fault: Fault) -> None:
    plan = rules(
        Rule(Phase.RCPT, Fault("550 5.1.1 Who?"), recipient="nobody@example.org"), Rule(Phase.RSET, fault)
    )
    async with FaultSmtp(plan) as smtp, pooled(smtp, reused_patience=timedelta(seconds=0.2)) as pool:
        await send(pool, "nobody@example.org")
        assert isinstance(await send(pool), HandedOver)
    assert smtp.connections == 2


async def test_a_server_that_hangs_up_on_every_mail_is_told_apart_from_a_stale_connection() -> None:
    async with FaultSmtp() as smtp, pooled(smtp) as pool:
        await send(pool)
        smtp.plan = rules(Rule(Phase.MAIL, Fault("421 4.3.2 Busy", drop_after=True)))
        failed = await send(pool)
        assert isinstance(failed, Failed)
        assert failed.verdict == Passing("server_said_later")
        smtp.plan = rules(Rule(Phase.MAIL, Fault("530 5.7.0 Authenticate")))
        failed = await send(pool)
        assert isinstance(failed, Failed)
        assert failed.verdict == Outage()


async def test_a_reply_that_comes_in_the_moment_the_deadline_passes_counts() -> None:
    """As after SIGSTOP and SIGCONT: the reply lies in the socket, and the timer is due in the same turn."""

    def stop_the_world(asked: Asked) -> Fault | None:
        if asked.phase is Phase.CONTENT:
            time.sleep(1.1)  # the one loop that both sides run in stands still until the deadline is past
        return None

    async with FaultSmtp(stop_the_world) as smtp, pooled(smtp) as pool:
        assert await send(pool, within=1) == HandedOver("250 2.0.0 Accepted")


async def test_other_mail_leaves_the_reserved_slots_to_codes(postgres_url: str) -> None:
    slow = rules(*(Rule(Phase.CONTENT, Fault(silent=True), recipient=f"{n}@slow.test") for n in range(20)))
    async with FaultSmtp(slow) as smtp, courier(postgres_url, smtp.url, connections=5, reserved=2) as carrier:
        notices = [
            asyncio.create_task(
                carrier.deliver(account_approved(f"{n}@slow.test"), position=0, attempt=attempt())
            )
            for n in range(20)
        ]
        await until(lambda: len(smtp.data_begun) == 3, within=5)
        codes = [otp_requested(f"{n}@example.org") for n in range(10)]
        await asyncio.gather(*(carrier.deliver(code, position=0, attempt=attempt()) for code in codes))
        assert [begun.recipient.partition("@")[2] for begun in smtp.data_begun] == [
            *["slow.test"] * 3,
            *["example.org"] * 10,
        ]
        assert smtp.most_connections <= 5
        for notice in notices:
            notice.cancel()
        await smtp.stop()
        await asyncio.gather(*notices, return_exceptions=True)
