"""One mail for servers that offer more or less: 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531)."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer_service.mailing.deliveries import Rejected, Sent
from tests.support.couriers import CODE, LedgerBook, attempt, courier, otp_requested
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules

NAME = "Jörg Großmann 🙂"
ADDRESS = "jörg@bücher.example"
CARRIED = "jörg@xn--bcher-kva.example"


def read(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not any(part.defects for part in mail.walk())
    return mail


def words(mail: EmailMessage) -> list[str]:
    return [part.get_content().replace("\r\n", "\n") for part in mail.iter_parts()]


class Kept:
    """What a server of aiosmtpd's took, with the options that came with MAIL."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        self.envelopes.append(envelope)
        return "250 2.0.0 Taken"


@asynccontextmanager
async def server(kept: Kept, *, utf8: bool) -> AsyncIterator[str]:
    """Run aiosmtpd, which refuses options that it did not offer."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(kept, enable_SMTPUTF8=utf8), "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await listening.wait_closed()


async def test_with_8bitmime_or_without_the_mail_says_the_same(postgres_url: str) -> None:
    bare = rules(Rule(Phase.EHLO, Fault("250 fault.test")))
    async with FaultSmtp() as offers, courier(postgres_url, offers.url) as carrier:
        assert await carrier.deliver(otp_requested(name=NAME), position=0, attempt=attempt()) == Sent()
    async with FaultSmtp(bare) as offers_not, courier(postgres_url, offers_not.url) as carrier:
        assert await carrier.deliver(otp_requested(name=NAME), position=0, attempt=attempt()) == Sent()
    (filled,), (standard,) = offers.accepted, offers_not.accepted
    assert b"Content-Transfer-Encoding: 8bit" in filled.raw
    assert b"Content-Transfer-Encoding: 8bit" not in standard.raw
    assert standard.raw.isascii()
    for mail in (read(filled.raw), read(standard.raw)):
        assert mail["To"].addresses[0].display_name == NAME
        assert CODE in mail["Subject"]
        assert all(CODE in said for said in words(mail))


async def test_an_address_beyond_ascii_is_carried_where_the_server_offers_smtputf8(postgres_url: str) -> None:
    kept = Kept()
    async with server(kept, utf8=True) as url, courier(postgres_url, url) as carrier:
        for event in (otp_requested(ADDRESS, name=NAME), otp_requested("ada@example.org")):
            assert await carrier.deliver(event, position=0, attempt=attempt()) == Sent()
    international, plain = kept.envelopes
    assert international.rcpt_tos == [CARRIED]
    assert "SMTPUTF8" in international.mail_options
    assert "SMTPUTF8" not in plain.mail_options
    assert isinstance(international.content, bytes)
    assert f"<{CARRIED}>\r\n".encode() in international.content
    assert len(words(read(international.content))) == 2


async def test_elsewhere_it_is_dead_with_the_reason_and_other_mail_flows(postgres_url: str) -> None:
    kept, event = Kept(), otp_requested(ADDRESS, name=NAME)
    async with server(kept, utf8=False) as url, courier(postgres_url, url) as carrier:
        refused = await carrier.deliver(event, position=0, attempt=attempt())
        assert await carrier.deliver(otp_requested(), position=0, attempt=attempt()) == Sent()
    assert isinstance(refused, Rejected)
    assert [envelope.rcpt_tos for envelope in kept.envelopes] == [["ada@example.org"]]
    book = LedgerBook(postgres_url)
    row = await book.row(event.id)
    assert (row["state"], row["reason"]) == ("dead", "recipient_refused")
    assert "takes no address beyond ASCII" in row["error"]
    assert await book.suppressions() == []
