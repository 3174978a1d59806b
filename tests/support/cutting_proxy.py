"""A TCP proxy that cuts a connection in the middle of an answer, when it is told to."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


@dataclass
class CuttingProxy:
    """Stands before a server on loopback, as an async context manager; `url` is the server's through it."""

    target: str
    cuts: int = 0
    """How often it has cut."""
    _marker: bytes | None = None
    _server: asyncio.Server | None = None
    _pipes: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The address to use in place of the server's."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"redis://{host}:{port}{urlsplit(self.target).path}"

    def cut_at(self, marker: bytes) -> None:
        """Cut the connection, once, right before `marker` in an answer: what precedes it still arrives."""
        self._marker = marker

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for pipe in list(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        where = urlsplit(self.target)
        back, forth = await asyncio.open_connection(where.hostname, where.port)
        asking = asyncio.create_task(_pipe(reader, forth))
        try:
            while chunk := await back.read(CHUNK_BYTES):
                place = chunk.find(self._marker) if self._marker is not None else -1
                writer.write(chunk[:place] if place >= 0 else chunk)
                await writer.drain()
                if place >= 0:
                    self._marker = None
                    self.cuts += 1
                    return
        except ConnectionError:
            return
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            for end in (writer, forth):
                end.close()
            self._pipes.discard(task)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
