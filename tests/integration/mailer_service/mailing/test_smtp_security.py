"""The way to the server is the one that its address says: verified TLS or none, and never less."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, Session
from aiosmtpd.smtp import Envelope as Enveloped
from cryptography import x509

from mailer_service.mailing.handover import Failed, HandedOver, hand_over
from mailer_service.mailing.replies import Outage, Phase
from mailer_service.mailing.smtp_connection import Envelope, SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from tests.support.cable import Cable
from tests.support.certificates import Authority

USER, PASSWORD = "porter", "p@ss:word/#1"
WRITTEN = "porter:p%40ss%3Aword%2F%231"
PLAIN = f"\0{USER}\0{PASSWORD}".encode()
TLS_HANDSHAKE = b"\x16\x03"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


LOOPBACK = x509.IPAddress(ip_address("127.0.0.1"))


class Box:
    """Keeps what a server was given: mails, and passwords with whether they came over TLS."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.passwords: list[tuple[bytes, bool]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Enveloped) -> str:  # noqa: N802 - aiosmtpd's hook
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        return "250 Ok"

    def authenticate(
        self, _server: SMTP, session: Session, _envelope: Enveloped, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.passwords.append((data.password, session.ssl is not None))
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def serving(
    box: Box,
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    auth: bool = False,
) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            box,
            hostname="smtp.test",
            loop=loop,
            tls_context=starttls,
            authenticator=box.authenticate if auth else None,
            auth_required=auth and starttls is not None,  # aiosmtpd warns of it without STARTTLS
            auth_require_tls=starttls is not None,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def send(url: str, *, tls: ssl.SSLContext | None) -> object:
    pool = SmtpPool(SmtpUrl.parse(url), tls=tls)
    try:
        return await hand_over(
            lambda _: b"Subject: hello\r\n\r\nhello\r\n",
            envelope=Envelope("porter@porter.test", "ada@example.org"),
            pool=pool,
            may_begin=lambda: True,
            begin_data=lambda: True,
            until=asyncio.get_running_loop().time() + 10,
            secrets=(),
        )
    finally:
        pool.close()


async def refusal(port: int, scheme: str, *, tls: ssl.SSLContext | None) -> SmtpEnded:
    """Offer a mail and a password to a server that must not be trusted; gives how that ended.

    Nothing of either may be on the wire, and in clear no more than it takes to ask for TLS.
    """
    async with Cable("127.0.0.1", port, tapped=True) as cable:
        url = f"{scheme}://{WRITTEN}@127.0.0.1:{cable.port}"
        failed = await send(url, tls=tls)
        assert isinstance(failed, Failed)
        assert failed.verdict == Outage()
        with pytest.raises(SmtpEnded) as ended:
            await SmtpPool(SmtpUrl.parse(url), tls=tls).probe()
        assert ended.value.verdict == Outage()
        heard = bytes(cable.heard)
    assert heard
    for secret in (
        PASSWORD.encode(),
        b64encode(PASSWORD.encode()),
        b64encode(PLAIN),
        b"hello",
        b"porter.test",
    ):
        assert secret not in heard
    verbs = {line[:4] for line in heard.split(TLS_HANDSHAKE)[0].splitlines()}
    assert verbs <= ({b"EHLO", b"STAR", b"QUIT"} if scheme == "smtp+starttls" else set())
    return ended.value


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_mail_and_password_go_over_verified_tls(
    authority: Authority, scheme: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(go_over_verified_tls(authority, scheme))


async def go_over_verified_tls(authority: Authority, scheme: str) -> None:
    box, context = Box(), authority.server(LOOPBACK)
    direct = scheme == "smtps"
    serve = serving(box, tls=context if direct else None, starttls=None if direct else context, auth=True)
    async with serve as port, Cable("127.0.0.1", port, tapped=True) as cable:
        url = f"{scheme}://{WRITTEN}@127.0.0.1:{cable.port}"
        assert await send(url, tls=authority.trusted()) == HandedOver("250 Ok")
        assert b"hello" not in cable.heard
        assert b"AUTH" not in cable.heard
    assert len(box.mails) == 1
    assert [password for password, _ in box.passwords] == [PASSWORD.encode()]


@pytest.mark.parametrize(("scheme", "phase"), [("smtps", Phase.CONNECT), ("smtp+starttls", Phase.STARTTLS)])
@pytest.mark.parametrize("fault", ["unknown authority", "another host's certificate", "expired"])
async def test_a_certificate_that_does_not_prove_the_server_is_refused(
    authority: Authority, scheme: str, phase: Phase, fault: str
) -> None:
    box = Box()
    name = x509.DNSName("another.test") if fault == "another host's certificate" else LOOPBACK
    context = authority.server(name, expired=fault == "expired")
    trusted = None if fault == "unknown authority" else authority.trusted()
    direct = scheme == "smtps"
    async with serving(
        box, tls=context if direct else None, starttls=None if direct else context, auth=True
    ) as port:
        ended = await refusal(port, scheme, tls=trusted)
    assert ended.phase is phase
    assert "certificate" in ended.text.lower()
    assert box.mails == []
    assert box.passwords == []


async def test_a_server_without_starttls_gets_neither_mail_nor_password(authority: Authority) -> None:
    box = Box()
    async with serving(box, auth=True) as port:
        ended = await refusal(port, "smtp+starttls", tls=authority.trusted())
    assert ended.phase is Phase.STARTTLS
    assert box.mails == []
    assert box.passwords == []


async def test_a_server_that_will_not_start_tls_gets_neither_mail_nor_password(
    authority: Authority,
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.test\r\n")
        await reader.readline()
        writer.write(b"250-smtp.test\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
        await reader.readline()
        writer.write(b"454 4.7.0 TLS not available\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        ended = await refusal(port, "smtp+starttls", tls=authority.trusted())
    assert (ended.phase, ended.code) == (Phase.STARTTLS, 454)


async def test_a_wrong_password_is_an_outage(authority: Authority) -> None:
    box = Box()
    async with serving(box, starttls=authority.server(LOOPBACK), auth=True) as port:
        url = f"smtp+starttls://porter:wrong@127.0.0.1:{port}"
        failed = await send(url, tls=authority.trusted())
        assert isinstance(failed, Failed)
        assert failed.verdict == Outage()
        with pytest.raises(SmtpEnded) as ended:
            await SmtpPool(SmtpUrl.parse(url), tls=authority.trusted()).probe()
    assert (ended.value.phase, ended.value.code) == (Phase.AUTH, 535)
    assert "wrong" not in failed.error + ended.value.words()
    assert box.mails == []


async def test_a_plain_address_is_never_upgraded(authority: Authority) -> None:
    box = Box()
    async with serving(box, starttls=authority.server(LOOPBACK)) as port:
        assert await send(f"smtp://127.0.0.1:{port}", tls=None) == HandedOver("250 Ok")
    assert len(box.mails) == 1


async def test_a_wrong_password_is_said_once_a_try(authority: Authority) -> None:
    box = Box()
    async with serving(box, starttls=authority.server(LOOPBACK), auth=True) as port:
        url = SmtpUrl.parse(f"smtp+starttls://{USER}:wrong@127.0.0.1:{port}")
        with pytest.raises(SmtpEnded) as ended:
            await SmtpPool(url, tls=authority.trusted()).probe()
    assert ended.value.refuses_login
    assert box.passwords == [(b"wrong", True)]


async def test_a_host_that_no_resolver_reads_is_an_outage() -> None:
    with pytest.raises(SmtpEnded) as ended:
        await SmtpPool(SmtpUrl("mail..example.org", 25, "none")).probe()
    assert ended.value.verdict == Outage()
