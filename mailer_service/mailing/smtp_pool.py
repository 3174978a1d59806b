"""Connections to the SMTP server, kept open and used again."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from mailer_service.mailing.smtp_connection import Envelope, Progress, SmtpConnection, SmtpEnded
from mailer_service.mailing.smtp_url import SmtpUrl


class SmtpPool:
    """As many connections as mails are sent at once: who may send is not its business.

    A connection carries `mails_each` mails and is closed after it was idle for `idle`; one that is used again
    and does not answer within `reused_patience` is replaced. `tls` is for a private certificate authority;
    without it the system's authorities are trusted.
    """

    def __init__(
        self,
        url: SmtpUrl,
        *,
        tls: ssl.SSLContext | None = None,
        mails_each: int = 100,
        idle: timedelta = timedelta(seconds=30),
        reused_patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self.url: Final = url
        self._tls = tls or (ssl.create_default_context() if url.security != "none" else None)
        self._mails_each = mails_each
        self._idle_for = idle
        self._reused_patience = reused_patience
        self._ehlo_name = _ehlo_name(socket.gethostname())
        self._idle: dict[SmtpConnection, asyncio.TimerHandle] = {}

    @asynccontextmanager
    async def begun(
        self, envelope: Envelope, progress: Progress, *, leave: Callable[[], None]
    ) -> AsyncIterator[SmtpConnection]:
        """Lend a connection on which MAIL was accepted. Raises `SmtpEnded`, and what `leave` raises.

        `leave` is asked before DATA is said, be it together with MAIL: see `SmtpConnection.mail`. The
        connection is used again unless the block was interrupted, it was lost, or the server said 421.
        """
        connection = await self._begin(envelope, progress, leave)
        try:
            yield connection
        except SmtpEnded as ended:
            self._give_back(connection, fit=ended.survivable)
            raise
        except BaseException:
            connection.drop()
            raise
        self._give_back(connection, fit=True)

    async def probe(self) -> None:
        """Connect and authenticate, and send nothing. Raises `SmtpEnded`."""
        connection = await self._open(Progress())
        connection.leave()

    def close(self) -> None:
        """Leave every idle connection."""
        for connection in list(self._idle):
            self._retire(connection)

    async def _begin(
        self, envelope: Envelope, progress: Progress, leave: Callable[[], None]
    ) -> SmtpConnection:
        reused = self._take_idle()
        if reused is not None and await self._still_good(reused, envelope, progress, leave):
            return reused
        connection = await self._open(progress)
        await self._mail(connection, envelope, progress, leave)
        return connection

    async def _still_good(
        self, reused: SmtpConnection, envelope: Envelope, progress: Progress, leave: Callable[[], None]
    ) -> bool:
        """Begin on a connection that the server may have closed meanwhile: that is nobody's failure."""
        loop = asyncio.get_running_loop()
        given_up = loop.call_later(self._reused_patience.total_seconds(), reused.drop)
        try:
            if reused.in_transaction:
                await self._reset(reused, progress)
            await self._mail(reused, envelope, progress, leave)
        except SmtpEnded as ended:
            if ended.survivable:
                raise
            return False
        finally:
            given_up.cancel()
        return True

    async def _reset(self, connection: SmtpConnection, progress: Progress) -> None:
        try:
            await connection.reset(progress)
        except SmtpEnded as ended:
            connection.drop()
            raise SmtpEnded(ended.phase, None, ended.text) from ended
        except BaseException:
            connection.drop()
            raise

    async def _mail(
        self, connection: SmtpConnection, envelope: Envelope, progress: Progress, leave: Callable[[], None]
    ) -> None:
        try:
            await connection.mail(envelope, progress, leave=leave)
        except SmtpEnded as ended:
            self._give_back(connection, fit=ended.survivable)
            raise
        except BaseException:
            connection.drop()
            raise

    async def _open(self, progress: Progress) -> SmtpConnection:
        return await SmtpConnection.open(
            self.url, tls=self._tls, ehlo_name=self._ehlo_name, progress=progress
        )

    def _take_idle(self) -> SmtpConnection | None:
        """Take the connection that was used last, and forget those that the server has closed."""
        while self._idle:
            connection, closing = self._idle.popitem()
            closing.cancel()
            if connection.usable:
                return connection
            connection.drop()
        return None

    def _give_back(self, connection: SmtpConnection, *, fit: bool) -> None:
        if not fit or not connection.usable:
            connection.drop()
        elif connection.mails >= self._mails_each:
            connection.leave()
        else:
            loop = asyncio.get_running_loop()
            closing = loop.call_later(self._idle_for.total_seconds(), self._retire, connection)
            self._idle[connection] = closing

    def _retire(self, connection: SmtpConnection) -> None:
        closing = self._idle.pop(connection, None)
        if closing is not None:
            closing.cancel()
            connection.leave()


def _ehlo_name(hostname: str) -> str:
    """Give the host's name if it can be said in EHLO."""
    return hostname if re.fullmatch(r"[A-Za-z0-9.-]{1,255}", hostname) else "localhost"
