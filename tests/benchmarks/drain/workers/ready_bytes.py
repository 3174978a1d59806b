"""Floor: bare aiosmtplib over bytes that were made beforehand, one loop a connection. No queue at all.

python -m tests.benchmarks.drain.workers.ready_bytes COUNT
"""

import asyncio
import sys
from collections.abc import Iterator

import uvloop

from tests.benchmarks.drain.workers.letter import Letter
from tests.benchmarks.drain.workers.outgoing import Outgoing
from tests.benchmarks.drain.workers.settings import Settings


async def work(settings: Settings, count: int) -> None:
    """Send the same bytes `count` times, and then wait to be ended."""
    outgoing = Outgoing(settings)
    raw = Letter.read(settings.letter).message(address="a@example.org", name="Ada", code="481502")
    waiting = iter(range(count))
    await asyncio.gather(*(_send(outgoing, raw, waiting) for _ in range(settings.connections)))
    await asyncio.Event().wait()


async def _send(outgoing: Outgoing, raw: bytes, waiting: Iterator[int]) -> None:
    for _ in waiting:
        await outgoing.hand_over("a@example.org", raw)


if __name__ == "__main__":
    uvloop.run(work(Settings.read(), int(sys.argv[1])))
