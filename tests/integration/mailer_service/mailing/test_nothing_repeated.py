"""A mail server may repeat anything; what is kept of its replies repeats nobody and opens nothing."""

import pytest
from structlog.testing import capture_logs

from mailer_service.mailing.deliveries import Rejected
from tests.support.couriers import ADA, CODE, LedgerBook, attempt, courier, otp_requested
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.mailed_events import LINK, TOKEN, address_changed, magic_link_requested


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA, Phase.CONTENT])
async def test_a_refused_mail_is_dead_and_the_record_does_not_repeat_the_address(
    postgres_url: str, phase: Phase
) -> None:
    event = otp_requested("ada.lovelace@example.org")
    reply = f"550 5.7.1 <Ada.Lovelace@example.org>: ada.lovelace is unwelcome with {CODE}"
    async with (
        FaultSmtp(rules(Rule(phase, Fault(reply)))) as smtp,
        courier(postgres_url, smtp.url) as carrier,
    ):
        ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Rejected)
    assert ending.reason == "message_refused"
    row = await LedgerBook(postgres_url).row(event.id)
    assert row["state"] == "dead"
    for words in (ending.error, row["error"]):
        assert "unwelcome" in words
        assert "lovelace" not in words.lower()
        assert CODE not in words


@pytest.mark.parametrize("repeated", [LINK, LINK.upper(), TOKEN, f"...link#{TOKEN} {CODE}"])
async def test_the_record_of_a_refused_link_does_not_repeat_it(postgres_url: str, repeated: str) -> None:
    event = magic_link_requested(code=CODE)
    plan = rules(Rule(Phase.CONTENT, Fault(f"550 5.7.1 Unwelcome: {repeated}")))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        with capture_logs() as lines:
            ending = await carrier.deliver(event, position=0, attempt=attempt())
    assert isinstance(ending, Rejected)
    row = await LedgerBook(postgres_url).row(event.id)
    assert (row["state"], row["template"]) == ("dead", "magic_link")
    for words in (ending.error, str(dict(row)), str(lines)):
        assert "Unwelcome" in words
        assert TOKEN.lower() not in words.lower()
        assert CODE not in words


async def test_an_address_that_was_left_for_another_is_told_and_the_record_knows_only_the_old_one(
    postgres_url: str,
) -> None:
    event = address_changed("countess@example.net")
    plan = rules(Rule(Phase.CONTENT, Fault("550 5.7.1 We do not write about countess@example.net")))
    async with FaultSmtp(plan) as smtp, courier(postgres_url, smtp.url) as carrier:
        assert isinstance(await carrier.deliver(event, position=0, attempt=attempt()), Rejected)
    row = await LedgerBook(postgres_url).row(event.id)
    assert row["recipient"] == ADA
    assert "countess" not in str(dict(row))
