"""Floor: read a hundred entries, send them, acknowledge them, begin again. No framework, no ledger.

What fails or dies is nobody's concern here: nothing is tried again, and nobody looks after pending entries.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvloop
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from tests.benchmarks.drain.workers.outgoing import Outgoing
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings

STREAM: Final = "bare"
GROUP: Final = "bare"
COUNT: Final = 100
BLOCK_MS: Final = 1000


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Put]:
    """Lend what puts an entry into the stream."""
    async with Redis.from_url(settings.redis_url) as redis:

        async def put(facts: Facts) -> None:
            fields: dict[Any, Any] = {**facts}
            await redis.xadd(STREAM, fields)

        yield put


async def work(settings: Settings) -> None:
    """Work until the process is ended."""
    outgoing = Outgoing(settings)
    async with Redis.from_url(settings.redis_url, decode_responses=True) as redis:
        try:
            await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as exists:
            if not str(exists).startswith("BUSYGROUP"):
                raise
        while True:
            answer: Any = await redis.xreadgroup(GROUP, "one", {STREAM: ">"}, count=COUNT, block=BLOCK_MS)
            for _, entries in answer.items() if isinstance(answer, dict) else answer:
                found = entries[0] if isinstance(answer, dict) else entries
                await asyncio.gather(*(outgoing.send(**facts) for _, facts in found))
                await redis.xack(STREAM, GROUP, *(entry for entry, _ in found))


if __name__ == "__main__":
    uvloop.run(work(Settings.read()))
