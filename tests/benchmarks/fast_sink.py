"""An SMTP server in a process of its own that takes every mail, and notes for whom and when.

python -m tests.benchmarks.fast_sink PORT FILE SECONDS      # each mail takes so long from its end to its 250
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from devstack.ports import free_port
from tests.support.waiting import until

END = b"\r\n.\r\n"
ROOT = Path(__file__).parents[2]


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, notes: TextIO, *, seconds: float) -> None:
        self._notes = notes
        self._seconds = seconds
        self._unread = bytearray()
        self._in_content = False
        self._recipient = ""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        self._say("220 sink.test ESMTP")

    def data_received(self, data: bytes) -> None:
        """Answer each command, and each content at its end."""
        self._unread += data
        while self._take(END if self._in_content else b"\r\n"):
            pass

    def _take(self, end: bytes) -> bool:
        taken, found, rest = bytes(self._unread).partition(end)
        if not found:
            return False
        self._unread = bytearray(rest)
        if self._in_content:
            self._in_content = False
            asyncio.get_running_loop().call_later(self._seconds, self._accept, self._recipient)
        else:
            self._obey(taken.decode("ascii", errors="replace"))
        return True

    def _obey(self, line: str) -> None:
        match line[:4].upper():
            case "EHLO" | "HELO":
                self._say("250-sink.test", "250 8BITMIME")
            case "RCPT":
                self._recipient = line.partition("<")[2].partition(">")[0]
                self._say("250 2.1.5 Ok")
            case "DATA":
                self._in_content = True
                self._say("354 Go ahead")
            case "QUIT":
                self._say("221 2.0.0 Bye")
                if self._transport is not None:
                    self._transport.close()
            case _:
                self._say("250 2.0.0 Ok")

    def _accept(self, recipient: str) -> None:
        self._notes.write(f"{time.monotonic():.4f} {recipient}\n")
        self._say("250 2.0.0 Accepted")

    def _say(self, *lines: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write("".join(f"{line}\r\n" for line in lines).encode())


@dataclass(frozen=True, slots=True)
class Sink:
    """Where it listens, and what it has taken."""

    port: int
    file: Path

    @property
    def url(self) -> str:
        """Its address for `MAILER_SMTP_URL`."""
        return f"smtp://127.0.0.1:{self.port}"

    def accepted(self) -> list[tuple[float, str]]:
        """Give the moment (monotonic seconds) and the recipient of each mail taken so far."""
        lines = self.file.read_text().rpartition("\n")[0].splitlines() if self.file.exists() else []
        pairs = (line.split(" ", 1) for line in lines)
        return [(float(at), recipient) for at, recipient in pairs]


@asynccontextmanager
async def fast_sink(folder: Path, *, seconds: float = 0.0) -> AsyncIterator[Sink]:
    """Lend one that runs."""
    sink = Sink(free_port(), folder / f"sink-{free_port()}.txt")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.fast_sink"),
        *(str(sink.port), str(sink.file), str(seconds)),
        cwd=ROOT,
    )
    try:
        await until(sink.file.exists, within=20)
        yield sink
    finally:
        process.terminate()
        await process.wait()


async def serve(port: int, file: Path, *, seconds: float) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    unseen = file.with_suffix(".new")
    with unseen.open("w", buffering=1) as notes:
        await loop.create_server(lambda: Session(notes, seconds=seconds), "127.0.0.1", port)
        unseen.rename(file)  # seen once it listens
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), seconds=float(sys.argv[3])))
