"""A TCP proxy that cuts a connection in the middle of a reply."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class CuttingProxy:
    """Passes everything on until `cut_next`: then the next reply with `marker` in it is cut in half."""

    def __init__(self, url: str, *, marker: bytes) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._marker = marker
        self._armed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.cuts = 0

    @property
    def url(self) -> str:
        """Where the proxy listens, as a Redis URL."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    def cut_next(self) -> None:
        """Cut the next reply that has the marker in it."""
        self._armed = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(ConnectionError, asyncio.CancelledError):
            back_reader, back_writer = await asyncio.open_connection(*self._target)
            there = asyncio.create_task(_pump(reader, back_writer))
            here = asyncio.create_task(self._pump_replies(back_reader, writer))
            await asyncio.wait({there, here}, return_when=asyncio.FIRST_COMPLETED)
            for pump in (there, here):
                pump.cancel()
            await asyncio.gather(there, here, return_exceptions=True)
            back_writer.transport.abort()
        writer.transport.abort()
        self._tasks.discard(task)

    async def _pump_replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while reply := await reader.read(CHUNK_BYTES):
            if self._armed and self._marker in reply:
                self._armed = False
                self.cuts += 1
                writer.write(reply[: len(reply) // 2])
                await writer.drain()
                return
            writer.write(reply)
            await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
