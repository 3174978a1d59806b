"""The SMTP side: accepts every mail, 8BITMIME and SMTPUTF8 included, and keeps it in a mailbox."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.inbox.mailbox import Mailbox


class SmtpServer:
    """Listens for mail from `start` to `stop`, as often as wanted on the same port."""

    def __init__(self, mailbox: Mailbox, *, host: str, port: int) -> None:
        self._mailbox = mailbox
        self._host = host
        self._port = port
        self._listening: asyncio.Server | None = None
        self._transports: set[asyncio.BaseTransport] = set()

    @property
    def url(self) -> str:
        """Give the server's address."""
        return f"smtp://{self._host}:{self._port}"

    async def start(self) -> None:
        """Begin to listen. Raises `OSError` when the port is taken."""
        handler = _Handler(self._mailbox)
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            lambda: _Connection(handler, transports=self._transports, loop=loop), self._host, self._port
        )

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._listening is None:
            return
        self._listening.close()
        for transport in tuple(self._transports):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        await self._listening.wait_closed()
        self._listening = None


class _Handler:
    """What aiosmtpd calls at the end of DATA."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail."""
        del server, session
        raw = envelope.original_content or b""
        sender = envelope.mail_from or ""
        mail = self._mailbox.add(sender=sender, recipients=envelope.rcpt_tos, raw=raw)
        return f"250 2.0.0 kept as {mail.id}"


class _Connection(SMTP):
    """A connection that is known to its server, so that it can be dropped."""

    def __init__(
        self,
        handler: _Handler,
        *,
        transports: set[asyncio.BaseTransport],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(handler, enable_SMTPUTF8=True, hostname="localhost", ident="Porter inbox", loop=loop)
        self._transports = transports
        self._own: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own = transport
        self._transports.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._own is not None:
            self._transports.discard(self._own)
        super().connection_lost(error)
