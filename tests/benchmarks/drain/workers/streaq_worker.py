"""streaQ: an asynchronous queue on streams; it acknowledges last and claims what has been idle for too long.

It holds `concurrency` jobs and as many prefetched, renews the idle time of those that run, and takes over the
others after `idle_timeout`. Results are not kept (`ttl` 0), nothing is logged for a job (`silent`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streaq import Worker

from tests.benchmarks.drain.workers.outgoing import Outgoing
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings

SETTINGS = Settings.read()


@asynccontextmanager
async def opened() -> AsyncIterator[Outgoing]:
    """Open the way out when the worker starts."""
    yield Outgoing(SETTINGS)


async def send(address: str, name: str, code: str) -> None:
    """Send one mail."""
    await worker.context.send(address=address, name=name, code=code)


worker = Worker(
    redis_url=SETTINGS.redis_url,
    concurrency=SETTINGS.jobs,
    idle_timeout=SETTINGS.silence_seconds,
    lifespan=opened,
    anyio_kwargs={"use_uvloop": True},
)
job = worker.task(max_tries=10, silent=True, ttl=0)(send)


@asynccontextmanager
async def publishing(_: Settings) -> AsyncIterator[Put]:
    """Lend what enqueues a job."""

    async def put(facts: Facts) -> None:
        await job.enqueue(**facts)

    async with worker:
        yield put


if __name__ == "__main__":
    worker.run_sync()
