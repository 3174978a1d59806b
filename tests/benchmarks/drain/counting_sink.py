"""Postfix' `smtp-sink`: it takes every mail, keeps none, and counts; no server in Python is as fast."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.ports import free_port
from tests.support.waiting import until

PROGRAM: Final = Path("/usr/sbin/smtp-sink")
BACKLOG: Final = "1000"
TAIL_BYTES: Final = 200
COUNTED: Final = re.compile(rb"mesg=(\d+)\r")


@dataclass(frozen=True, slots=True)
class CountingSink:
    """One that runs."""

    port: int
    notes: Path

    def count(self) -> int:
        """Tell how many mails it has taken: it notes the number after each."""
        with self.notes.open("rb") as notes:
            notes.seek(max(0, notes.seek(0, os.SEEK_END) - TAIL_BYTES))
            counts = COUNTED.findall(notes.read())
        return int(counts[-1]) if counts else 0


@asynccontextmanager
async def counting_sink(folder: Path, *, pipelining: bool = True) -> AsyncIterator[CountingSink]:
    """Lend one, with PIPELINING (RFC 2920) or without.

    Raises `FileNotFoundError` where Postfix is not installed.
    """
    sink = CountingSink(free_port(), folder / f"smtp-sink-{free_port()}.txt")
    options = (*(("-u", "nobody") if os.geteuid() == 0 else ()), *(() if pipelining else ("-p",)))
    with sink.notes.open("wb") as notes:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *options, "-c", f"inet:127.0.0.1:{sink.port}", BACKLOG, stdout=notes
        )
    try:
        await until(lambda: _listens(sink.port), within=10)
        yield sink
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
