"""A server that accepts every connection, reads what comes, and never says a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SilentServer:
    """Counts who connected; `url` is where they take it for a Redis."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while await reader.read(65536):
            pass
        writer.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[SilentServer]:
    """Lend one on a port of its own."""
    silent = SilentServer()
    server = await asyncio.start_server(silent._hear, "127.0.0.1", 0)
    silent.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield silent
    finally:
        server.close()
        await server.wait_closed()
