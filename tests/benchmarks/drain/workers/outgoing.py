"""The way out that the asynchronous systems share: aiosmtplib's connections, kept open and lent in turn."""

import asyncio

import aiosmtplib

from tests.benchmarks.drain.workers.letter import SENDER, Letter
from tests.benchmarks.drain.workers.settings import Settings


class Outgoing:
    """As many connections as the settings say; who finds none free waits."""

    def __init__(self, settings: Settings) -> None:
        self._letter = Letter.read(settings.letter)
        self._port = settings.smtp_port
        self._slots = asyncio.Semaphore(settings.connections)
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, *, address: str, name: str, code: str) -> None:
        """Build the mail and hand it over."""
        async with self._slots:
            await self.hand_over(address, self._letter.message(address=address, name=name, code=code))

    async def hand_over(self, address: str, raw: bytes) -> None:
        """Hand over what is built; a connection that failed is not used again."""
        connection = self._idle.pop() if self._idle else await self._connected()
        await connection.mail(SENDER)
        await connection.rcpt(address)
        await connection.data(raw)
        self._idle.append(connection)

    async def _connected(self) -> aiosmtplib.SMTP:
        connection = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, start_tls=False)
        await connection.connect()
        await connection.ehlo()
        return connection
