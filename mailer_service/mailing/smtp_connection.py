"""One connection to an SMTP server, a command at a time, so that it is always known where it ended."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Self

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException

from mailer_service.mailing.replies import Phase, Verdict, classify, classify_silence, enhanced_code
from mailer_service.mailing.smtp_url import SmtpUrl

UNAVAILABLE: Final = 421
GO_AHEAD: Final = 354
OK: Final = (250, 251)
NOT_ASCII: Final = 553
"""How a server refuses such an address (RFC 6531, 3.5); where it has no SMTPUTF8 we say it for it."""
LOGIN_REFUSED: Final = 535
LATE_REPLY_SECONDS: Final = 0.05

WAYS_IN_CLEAR: Final = ("cram-md5", "plain", "login")
"""How to log in where others may listen: the one first that does not show the password."""
WAYS_UNDER_TLS: Final = ("plain", "login", "cram-md5")
"""How to log in where nobody listens: the one first that servers with hashed passwords know, too."""


class SmtpEnded(Exception):
    """The dialogue ended before the final 250, at `phase`; `code` is None when there was no reply."""

    def __init__(self, phase: Phase, code: int | None, text: str) -> None:
        super().__init__(text)
        self.phase = phase
        self.code = code
        self.text = text

    @property
    def survivable(self) -> bool:
        """Whether the connection can carry the next mail: a clear no, and not a goodbye."""
        return self.code is not None and self.code // 100 in {4, 5} and self.code != UNAVAILABLE

    @property
    def refuses_login(self) -> bool:
        """Whether the server knows no such user and password (RFC 4954, 6)."""
        return self.phase is Phase.AUTH and self.code == LOGIN_REFUSED

    @property
    def verdict(self) -> Verdict:
        """What it means for the mail."""
        if self.code is None:
            return classify_silence(self.phase, "connection_lost")
        return classify(self.phase, self.code, enhanced_code(self.text), self.text)

    def words(self) -> str:
        """Tell it in a line. It may repeat the recipient's address: mask it before it goes anywhere."""
        at = self.phase.name.lower()
        return f"{at}: {self.text}" if self.code is None else f"{at}: {self.code} {self.text}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who the server is told that a mail is from and for (RFC 5321, 2.3.1): bare addresses."""

    sender: str
    recipient: str

    @property
    def is_international(self) -> bool:
        """Whether an address is beyond ASCII, so that the server must know SMTPUTF8 (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())


@dataclass(slots=True)
class Progress:
    """How far a dialogue has come; it outlives whatever interrupts the dialogue."""

    phase: Phase = Phase.CONNECT


@contextmanager
def _ending_at(progress: Progress) -> Iterator[None]:
    try:
        yield
    except SMTPResponseException as refused:
        raise SmtpEnded(progress.phase, refused.code, refused.message) from refused
    except (SMTPException, OSError) as lost:
        raise SmtpEnded(progress.phase, None, str(lost) or type(lost).__name__) from lost


async def _answer(reading: asyncio.Task[SMTPResponse]) -> SMTPResponse:
    """Wait for the reply to the content, be it in the very moment that the deadline passes.

    A process that was stopped finds its deadline passed and the reply there: the reply is what counts.
    """
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({reading}, timeout=LATE_REPLY_SECONDS)
        finally:
            _give_up(reading)
        if reading.done() and reading.exception() is None:
            return reading.result()
        raise


def _give_up(reading: asyncio.Task[SMTPResponse]) -> None:
    reading.add_done_callback(_look_at)
    reading.cancel()


def _look_at(reading: asyncio.Task[SMTPResponse]) -> None:
    """Take note of how it ended, so that asyncio does not report a failure that nobody asked about."""
    if not reading.cancelled():
        reading.exception()


async def _log_in(client: SMTP, user: str, password: str, *, secure: bool) -> None:
    """Log in by the best way offered, once: each refusal counts where a server locks accounts."""
    ways = {"cram-md5": client.auth_crammd5, "plain": client.auth_plain, "login": client.auth_login}
    for name in WAYS_UNDER_TLS if secure else WAYS_IN_CLEAR:
        if name in client.server_auth_methods:
            await ways[name](user, password)
            return
    raise SMTPException("the server offers no known way to log in")


def _stuffed(raw: bytes) -> bytes:
    """Double the dot that a line begins with (RFC 5321, 4.5.2), a line after a bare LF included."""
    return b"." * raw.startswith(b".") + raw.replace(b"\n.", b"\n..")


class SmtpConnection:
    """A connection that is ready for MAIL. A cancelled call leaves it useless: drop it."""

    def __init__(self, client: SMTP) -> None:
        self._client = client
        self.eight_bit: Final = client.supports_extension("8bitmime")
        """The server takes bytes beyond ASCII in a mail's body (8BITMIME, RFC 6152)."""
        self.utf8: Final = client.supports_extension("smtputf8")
        """The server takes UTF-8 in addresses and headers (SMTPUTF8, RFC 6531)."""
        self.mails = 0
        self.in_transaction = False
        """MAIL was said and the mail did not end in a 250: RSET first."""

    @classmethod
    async def open(
        cls, url: SmtpUrl, *, tls: ssl.SSLContext | None, ehlo_name: str, progress: Progress
    ) -> Self:
        """Connect, greet, secure and authenticate as `url` says. Raises `SmtpEnded`."""
        client = SMTP(
            hostname=url.host,
            port=url.port,
            use_tls=url.security == "tls",
            start_tls=False,  # never by itself: it is done below, where its failure has a phase
            tls_context=tls,
            local_hostname=ehlo_name,
            timeout=None,  # the caller's deadline covers the whole
        )
        try:
            with _ending_at(progress):
                progress.phase = Phase.CONNECT
                await client.connect()
                progress.phase = Phase.EHLO
                await client.ehlo()
                if url.security == "starttls":
                    progress.phase = Phase.STARTTLS
                    await client.starttls()
                    progress.phase = Phase.EHLO
                    await client.ehlo()
                if url.username is not None:
                    progress.phase = Phase.AUTH
                    await _log_in(client, url.username, url.password or "", secure=url.security != "none")
        except ValueError as fault:  # what the client makes of a host or a challenge that it cannot read
            client.close()
            raise SmtpEnded(progress.phase, None, type(fault).__name__) from fault
        except BaseException:
            client.close()
            raise
        return cls(client)

    @property
    def usable(self) -> bool:
        """Whether the connection still stands, as far as the operating system has told."""
        return self._client.is_connected

    async def reset(self, progress: Progress) -> None:
        """RSET: forget a transaction that was begun. Raises `SmtpEnded`."""
        progress.phase = Phase.MAIL
        await self._said(b"RSET", progress)
        self.in_transaction = False

    async def mail(self, envelope: Envelope, progress: Progress) -> None:
        """MAIL FROM. Raises `SmtpEnded`."""
        if envelope.is_international and not self.utf8:
            raise SmtpEnded(Phase.RCPT, NOT_ASCII, "5.6.7 the server takes no address beyond ASCII")
        progress.phase = Phase.MAIL
        self.in_transaction = True
        extensions = b" BODY=8BITMIME" * self.eight_bit + b" SMTPUTF8" * envelope.is_international
        await self._said(b"MAIL FROM:<%b>%b" % (envelope.sender.encode(), extensions), progress)

    async def rcpt(self, envelope: Envelope, progress: Progress) -> None:
        """RCPT TO. Raises `SmtpEnded`."""
        progress.phase = Phase.RCPT
        await self._said(b"RCPT TO:<%b>" % envelope.recipient.encode(), progress)

    async def data_command(self, progress: Progress) -> None:
        """Say DATA and get the 354; nothing of the mail is written yet. Raises `SmtpEnded`."""
        progress.phase = Phase.DATA_COMMAND
        await self._said(b"DATA", progress, awaited=(GO_AHEAD,))

    async def content(self, raw: bytes, progress: Progress) -> str:
        """Write the mail and give the 250's text. Raises `SmtpEnded`.

        The client's own `data()` says DATA and writes the content in one call, which cannot tell a
        connection that was lost before the content (harmless) from one lost after it (unclear).
        """
        protocol = self._client.protocol
        if protocol is None:
            raise SmtpEnded(Phase.DATA_COMMAND, None, "the connection was lost")
        with _ending_at(progress):
            reading = asyncio.create_task(protocol.read_response())
            try:
                await asyncio.sleep(0)  # it listens: the client drops replies that nobody waits for
                protocol.write(_stuffed(raw) + b".\r\n")  # raises only before anything is written
            except BaseException:
                _give_up(reading)
                raise
            progress.phase = Phase.DATA
            reply = await _answer(reading)
        if reply.code // 100 != 2:  # noqa: PLR2004 - any 2yz is a yes (RFC 5321, 4.2.1)
            raise SmtpEnded(Phase.DATA, reply.code, reply.message)
        self.mails += 1
        self.in_transaction = False
        return f"{reply.code} {reply.message}"

    async def _said(self, command: bytes, progress: Progress, *, awaited: tuple[int, ...] = OK) -> None:
        """Say a command; any other reply than those awaited ends the dialogue. Raises `SmtpEnded`."""
        protocol = self._client.protocol
        if protocol is None:
            raise SmtpEnded(progress.phase, None, "the connection was lost")
        with _ending_at(progress):
            # The client's own methods parse each address anew, which takes as long as all the rest.
            reply = await protocol.execute_command(command)
        if reply.code not in awaited:
            raise SmtpEnded(progress.phase, reply.code, reply.message)

    def drop(self) -> None:
        """Cut the connection."""
        self._client.close()

    def leave(self) -> None:
        """Say QUIT without waiting for the answer, and close."""
        protocol = self._client.protocol
        if protocol is not None:
            with suppress(SMTPException):
                protocol.write(b"QUIT\r\n")
        self._client.close()
