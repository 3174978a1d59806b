"""A TCP cable between a client and a server, which a test can cut, freeze, or make deaf in one direction."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 65536


class Cable:
    """Listens on loopback and passes on to `host:port`; an async context manager. Its own port stays."""

    def __init__(self, host: str, port: int, *, tapped: bool = False) -> None:
        self._to = (host, port)
        self._tapped = tapped
        self.heard = bytearray()
        """All that clients have sent, where the cable is tapped."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.replies_lost = False
        """Swallow what the server says from now on, while it still hears everything."""
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        self._drop()
        self._flows.set()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        self._server = None

    async def mend(self) -> None:
        """Pass everything on again; connections that were cut stay cut."""
        self.replies_lost = False
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def lead_to(self, host: str, port: int) -> None:
        """Let connections that are made from now on go elsewhere."""
        self._to = (host, port)

    def freeze(self) -> None:
        """Keep every connection and pass nothing on, in either direction, new connections included."""
        self._flows.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pump = asyncio.current_task()
        assert pump is not None
        self._pumps.add(pump)
        self._writers.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._to)
            self._writers.add(far_writer)
            await asyncio.gather(
                self._pass_on(reader, far_writer, replies=False),
                self._pass_on(far_reader, writer, replies=True),
            )
        self._pumps.discard(pump)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self._flows.wait()
                if self._tapped and not replies:
                    self.heard += chunk
                if not (replies and self.replies_lost):
                    writer.write(chunk)
                    await writer.drain()
        writer.transport.abort()
        self._writers.discard(writer)

    def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
