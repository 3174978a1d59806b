"""Ask a system for mails, by its own client and in its own environment.

python -m tests.benchmarks.drain.workers.publishing MODULE FIRST COUNT PER_SECOND NOTES

asks for COUNT mails, to the people numbered from FIRST, at a steady rate (0: as fast as it goes), and writes
the moment (monotonic seconds) and the recipient of each, a line a mail, into the file NOTES.
"""

import asyncio
import importlib
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

from tests.benchmarks.drain.workers.settings import Settings

AT_ONCE = 50
"""How many are put side by side where no rate is asked for."""

Facts: TypeAlias = dict[str, str]
Put: TypeAlias = Callable[[Facts], Awaitable[None]]
Publishing: TypeAlias = Callable[[Settings], AbstractAsyncContextManager[Put]]


def facts_of(number: int) -> Facts:
    """Tell what a mail to this person needs."""
    return {
        "address": f"person-{number}@example.org",
        "name": f"Ada {number}",
        "code": f"{number % 1_000_000:06}",
    }


async def publish(publishing: Publishing, *, first: int, count: int, per_second: float, notes: Path) -> None:
    """Put them, at their pace."""
    everyone = iter(range(first, first + count))
    with notes.open("w", buffering=1) as lines:
        async with publishing(Settings.read()) as put:

            async def put_next() -> None:
                for number in everyone:
                    due = began + (number - first) / per_second if per_second else 0.0
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    facts = facts_of(number)
                    moment = time.monotonic()
                    await put(facts)
                    lines.write(f"{moment:.5f} {facts['address']}\n")

            began = time.monotonic()
            await asyncio.gather(*(put_next() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    _, module, first, count, per_second, notes = sys.argv
    asyncio.run(
        publish(
            importlib.import_module(module).publishing,
            first=int(first),
            count=int(count),
            per_second=float(per_second),
            notes=Path(notes),
        )
    )
