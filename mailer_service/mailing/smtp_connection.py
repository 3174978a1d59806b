"""One connection to an SMTP server, a command at a time, so that it is always known where it ended."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self, cast

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from mailer_service.mailing.replies import Phase, Verdict, classify, classify_silence, enhanced_code
from mailer_service.mailing.smtp_dialogue import SmtpDialogue
from mailer_service.mailing.smtp_url import SmtpUrl

UNAVAILABLE: Final = 421
GO_AHEAD: Final = 354
OK: Final = (250, 251)
NOT_ASCII: Final = 553
"""How a server refuses such an address (RFC 6531, 3.5); where it has no SMTPUTF8 we say it for it."""
LOGIN_REFUSED: Final = 535
LATE_REPLY_SECONDS: Final = 0.05
REST_WITHIN_SECONDS: Final = 1.0
"""How long a server may take for its replies to what was said together with what it refused."""
DATA: Final = b"DATA\r\n"

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
        raise _lost(progress, lost) from lost


def _lost(progress: Progress, lost: Exception) -> SmtpEnded:
    return SmtpEnded(progress.phase, None, str(lost) or type(lost).__name__)


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
    """A connection that is ready for MAIL. A cancelled call leaves it useless: drop it.

    Where the server has PIPELINING (RFC 2920), MAIL, RCPT and DATA go out together: two round trips a mail
    instead of four.
    """

    def __init__(self, client: SMTP, dialogue: SmtpDialogue) -> None:
        self._client: Final = client  # owns the transport
        self._dialogue: Final = dialogue
        self.pipelining: Final = client.supports_extension("pipelining")
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
        return cls(client, SmtpDialogue(cast("asyncio.Transport", client.transport)))

    @property
    def usable(self) -> bool:
        """Whether the connection still stands, as far as the operating system has told."""
        return self._dialogue.usable

    async def reset(self, progress: Progress) -> None:
        """RSET: forget a transaction that was begun. Raises `SmtpEnded`."""
        progress.phase = Phase.MAIL
        self._say(progress, b"RSET\r\n")
        await self._answered(progress)
        self.in_transaction = False

    async def mail(self, envelope: Envelope, progress: Progress, *, leave: Callable[[], None]) -> None:
        """MAIL FROM. Raises `SmtpEnded`, and what `leave` raises, which is asked before DATA is said."""
        if envelope.is_international and not self.utf8:
            raise SmtpEnded(Phase.RCPT, NOT_ASCII, "5.6.7 the server takes no address beyond ASCII")
        progress.phase = Phase.MAIL
        extensions = b" BODY=8BITMIME" * self.eight_bit + b" SMTPUTF8" * envelope.is_international
        mail = b"MAIL FROM:<%b>%b\r\n" % (envelope.sender.encode(), extensions)
        if self.pipelining:
            leave()
        self.in_transaction = True
        if self.pipelining:
            self._say(progress, mail, _rcpt(envelope), DATA)
        else:
            self._say(progress, mail)
        await self._answered(progress)

    async def rcpt(self, envelope: Envelope, progress: Progress) -> None:
        """RCPT TO. Raises `SmtpEnded`."""
        progress.phase = Phase.RCPT
        if not self.pipelining:
            self._say(progress, _rcpt(envelope))
        await self._answered(progress)

    async def data_command(self, progress: Progress, *, leave: Callable[[], None]) -> None:
        """Say DATA and get the 354; nothing of the mail is written yet. Raises as `mail` does."""
        progress.phase = Phase.DATA_COMMAND
        if not self.pipelining:
            leave()
            self._say(progress, DATA)
        await self._answered(progress, awaited=(GO_AHEAD,))

    async def content(self, raw: bytes, progress: Progress) -> str:
        """Write the mail and give the 250's text. Raises `SmtpEnded`.

        The reply counts, be it there in the very moment that the deadline passes: a process that was stopped
        finds both.
        """
        self._say(progress, _stuffed(raw) + b".\r\n")  # raises only before anything is written
        progress.phase = Phase.DATA
        try:
            reply = await self._dialogue.reply()
        except OSError as lost:
            raise _lost(progress, lost) from lost
        except asyncio.CancelledError:
            late = asyncio.create_task(self._dialogue.reply())
            try:
                await asyncio.wait({late}, timeout=LATE_REPLY_SECONDS)
            finally:
                late.cancel()  # nothing, where it has the reply
            if not late.done() or late.exception() is not None:
                raise
            reply = late.result()
        if reply.code // 100 != 2:  # noqa: PLR2004 - any 2yz is a yes (RFC 5321, 4.2.1)
            raise SmtpEnded(Phase.DATA, reply.code, reply.text)
        self.mails += 1
        self.in_transaction = False
        return f"{reply.code} {reply.text}"

    def _say(self, progress: Progress, *commands: bytes) -> None:
        try:
            self._dialogue.say(*commands)
        except OSError as lost:
            raise _lost(progress, lost) from lost

    async def _answered(self, progress: Progress, *, awaited: tuple[int, ...] = OK) -> None:
        """Wait for the reply to a command; any other than those awaited ends the dialogue."""
        try:
            reply = await self._dialogue.reply()
        except OSError as lost:
            raise _lost(progress, lost) from lost
        if reply.code not in awaited:
            await self._settle_down()
            raise SmtpEnded(progress.phase, reply.code, reply.text)

    async def _settle_down(self) -> None:
        """Hear what else was said meanwhile. A server that waits for content gets none, and is left.

        A refusal that was heard stays one, though the deadline passes while the rest is awaited.
        """
        try:
            async with asyncio.timeout(REST_WITHIN_SECONDS):
                replies = await self._dialogue.skip_replies()
        except (TimeoutError, OSError, asyncio.CancelledError):
            self.drop()
        else:
            if any(reply.code == GO_AHEAD for reply in replies):
                self.drop()

    def drop(self) -> None:
        """Cut the connection."""
        self._dialogue.drop()

    def leave(self) -> None:
        """Say QUIT without waiting for the answer, and close."""
        self._dialogue.leave()


def _rcpt(envelope: Envelope) -> bytes:
    return b"RCPT TO:<%b>\r\n" % envelope.recipient.encode()
