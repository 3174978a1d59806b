"""Each way a mail server can fail, and what it comes to: for the mail, its record, its slot, other mail."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest

from mailer_service.mailing.deliveries import Away, Delivery, Postponed, Rejected, Sent
from mailer_service.mailing.providers import Providers
from mailer_service.mailing.slots import Slots
from tests.support.couriers import ADA, LedgerBook, account_approved, attempt, courier, provider
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules

DEADLINE = timedelta(seconds=2)
SILENT = Fault(silent=True)
SLOW = Fault(byte_every=1)


@dataclass(frozen=True)
class Row:
    """A line of the table: where the server fails and how, what the courier says, what the ledger keeps."""

    phase: Phase
    fault: Fault
    ending: type[Delivery]
    reason: str
    state: str = "waiting"
    unclear: int = 0
    after: timedelta | None = None
    suppresses: bool = False
    about_one_mail: bool = True
    """The server fails at this mail alone; what it fails at before RCPT it fails at for everyone."""

    def __str__(self) -> str:
        said = self.fault.reply or ("silence" if self.fault.silent else "slow")
        return f"{self.phase.name} {'close' if self.fault.drop_before else said}"


TABLE = [
    Row(Phase.CONNECT, Fault("421 4.3.2 Closing"), Away, "smtp_away", about_one_mail=False),
    Row(Phase.MAIL, Fault("553 5.1.8 Sender unknown"), Away, "smtp_away", about_one_mail=False),
    Row(Phase.RCPT, Fault("553 5.1.8 Sender unknown"), Away, "smtp_away", about_one_mail=False),
    Row(Phase.CONNECT, SILENT, Away, "smtp_away", about_one_mail=False),
    Row(Phase.EHLO, SLOW, Away, "smtp_away", about_one_mail=False),
    Row(Phase.RCPT, Fault("421 4.7.0 Goodbye", drop_after=True), Postponed, "server_said_later"),
    Row(
        Phase.RCPT,
        Fault("451 4.7.1 Greylisted, try again in 60 seconds"),
        Postponed,
        "server_said_later",
        after=timedelta(seconds=60),
    ),
    Row(Phase.RCPT, Fault("452 4.2.2 Mailbox full"), Postponed, "server_said_later"),
    Row(Phase.CONTENT, Fault("452 4.3.1 Disk full"), Postponed, "server_said_later"),
    Row(Phase.RCPT, Fault("550 5.1.1 Who?"), Rejected, "recipient_refused", "dead", suppresses=True),
    Row(Phase.RCPT, Fault("550 5.7.1 No"), Rejected, "message_refused", "dead"),
    Row(Phase.CONTENT, Fault("554 5.6.0 No"), Rejected, "message_refused", "dead"),
    Row(Phase.RCPT, SILENT, Postponed, "timeout"),
    Row(Phase.RCPT, SLOW, Postponed, "timeout"),
    Row(Phase.DATA, SILENT, Postponed, "timeout"),
    Row(Phase.DATA, Fault(drop_before=True), Postponed, "connection_lost"),
    Row(Phase.CONTENT, SILENT, Postponed, "unclear_data", unclear=1),
    Row(Phase.CONTENT, SLOW, Postponed, "unclear_data", unclear=1),
    Row(Phase.CONTENT, Fault(drop_before=True), Postponed, "unclear_data", unclear=1),
]


@pytest.fixture(params=[False, True], ids=["in_turn", "pipelined"], autouse=True)
def pipelining(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Say all of it with a server that takes commands one at a time, and one that takes them at once."""
    monkeypatch.setattr(FaultSmtp, "pipelining", request.param)
    return bool(request.param)


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_each_failure_ends_as_the_table_says(postgres_url: str, row: Row) -> None:
    failing, other = account_approved(ADA), account_approved("grace@example.org")
    recipient = ADA if row.about_one_mail else None
    async with FaultSmtp(rules(Rule(row.phase, row.fault, recipient=recipient))) as smtp:
        providers = Providers(
            provider(smtp.url, probe_within=DEADLINE), slots=Slots(total=2, reserved=1)
        )  # one slot for this kind of mail: what holds it for too long stops the other mail
        async with courier(postgres_url, providers, deadline=DEADLINE) as carrier:
            began = time.monotonic()
            delivery = asyncio.create_task(carrier.deliver(failing, position=0, attempt=attempt()))
            if row.about_one_mail:
                assert await carrier.deliver(other, position=0, attempt=attempt()) == Sent()
            ending = await delivery
            took = time.monotonic() - began
            assert providers.slots.in_use == 0
            if not row.about_one_mail:
                smtp.plan = rules()
                assert await carrier.deliver(other, position=0, attempt=attempt()) == Sent()
    assert isinstance(ending, row.ending)
    if isinstance(ending, Postponed):
        assert ending.after == row.after
    assert took < 3 * DEADLINE.total_seconds() + 2
    kept = await LedgerBook(postgres_url).row(failing.id)
    assert (kept["state"], kept["reason"], kept["unclear"]) == (row.state, row.reason, row.unclear)
    assert await suppressed(postgres_url) == ([ADA] if row.suppresses else [])
    assert "grace@example.org" in [mail.recipient for mail in smtp.accepted]


async def suppressed(postgres_url: str) -> list[str]:
    """List the addresses that are written to no more."""
    connection = await asyncpg.connect(postgres_url)
    try:
        return [row["address"] for row in await connection.fetch("SELECT * FROM mailer.suppressions")]
    finally:
        await connection.close()
