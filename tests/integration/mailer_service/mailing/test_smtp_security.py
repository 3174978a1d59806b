"""The way to the server is the one that its address says: verified TLS or none, and never less."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, Session
from aiosmtpd.smtp import Envelope as Enveloped
from cryptography import x509

from mailer_service.mailing.handover import HandedOver, hand_over
from mailer_service.mailing.replies import Outage, Phase
from mailer_service.mailing.smtp_connection import Envelope, SmtpEnded
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from tests.support.certificates import Authority

USER, PASSWORD = "porter", "p@ss:word/#1"
WRITTEN = "porter:p%40ss%3Aword%2F%231"


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
            auth_required=auth and starttls is not None,
            auth_require_tls=starttls is not None,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def send(url: str, *, tls: ssl.SSLContext | None) -> object:
    pool = SmtpPool(SmtpUrl.parse(url), tls=tls)
    try:
        return await hand_over(
            lambda _: b"Subject: hello\r\n\r\nhello\r\n",
            envelope=Envelope("porter@porter.test", "ada@example.org"),
            pool=pool,
            begin_data=lambda: True,
            until=asyncio.get_running_loop().time() + 10,
            secrets=(),
        )
    finally:
        pool.close()


async def refusal(url: str, *, tls: ssl.SSLContext | None) -> SmtpEnded:
    """Probe a server that must not be trusted; gives how that ended."""
    pool = SmtpPool(SmtpUrl.parse(url), tls=tls)
    with pytest.raises(SmtpEnded) as ended:
        await pool.probe()
    assert ended.value.verdict == Outage()
    return ended.value


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_mail_and_password_go_over_verified_tls(authority: Authority, scheme: str) -> None:
    box, context = Box(), authority.server(LOOPBACK)
    direct = scheme == "smtps"
    async with serving(
        box, tls=context if direct else None, starttls=None if direct else context, auth=not direct
    ) as port:
        credentials = "" if direct else f"{WRITTEN}@"
        sent = await send(f"{scheme}://{credentials}127.0.0.1:{port}", tls=authority.trusted())
    assert sent == HandedOver("250 Ok")
    assert len(box.mails) == 1
    assert box.passwords == ([] if direct else [(PASSWORD.encode(), True)])


@pytest.mark.parametrize(("scheme", "phase"), [("smtps", Phase.CONNECT), ("smtp+starttls", Phase.STARTTLS)])
@pytest.mark.parametrize("fault", ["unknown authority", "another host's certificate"])
async def test_a_certificate_that_does_not_prove_the_server_is_refused(
    authority: Authority, scheme: str, phase: Phase, fault: str
) -> None:
    box = Box()
    names = LOOPBACK if fault == "unknown authority" else x509.DNSName("another.test")
    context = authority.server(names)
    trusted = None if fault == "unknown authority" else authority.trusted()
    direct = scheme == "smtps"
    async with serving(
        box, tls=context if direct else None, starttls=None if direct else context, auth=not direct
    ) as port:
        ended = await refusal(f"{scheme}://{WRITTEN}@127.0.0.1:{port}", tls=trusted)
    assert ended.phase is phase
    assert "certificate" in ended.text.lower()
    assert box.mails == []
    assert box.passwords == []


async def test_a_server_without_starttls_gets_neither_mail_nor_password(authority: Authority) -> None:
    box = Box()
    async with serving(box, auth=True) as port:
        ended = await refusal(f"smtp+starttls://{WRITTEN}@127.0.0.1:{port}", tls=authority.trusted())
    assert ended.phase is Phase.STARTTLS
    assert box.mails == []
    assert box.passwords == []


async def test_a_wrong_password_is_an_outage(authority: Authority) -> None:
    box = Box()
    async with serving(box, starttls=authority.server(LOOPBACK), auth=True) as port:
        ended = await refusal(f"smtp+starttls://porter:wrong@127.0.0.1:{port}", tls=authority.trusted())
    assert (ended.phase, ended.code) == (Phase.AUTH, 535)
    assert "wrong" not in ended.words()


async def test_a_plain_address_is_never_upgraded(authority: Authority) -> None:
    box = Box()
    async with serving(box, starttls=authority.server(LOOPBACK)) as port:
        assert await send(f"smtp://127.0.0.1:{port}", tls=None) == HandedOver("250 Ok")
    assert len(box.mails) == 1
