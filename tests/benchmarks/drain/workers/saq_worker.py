"""SAQ: an asynchronous queue on lists; each of its `concurrency` loops takes one job at a time.

Its sweeper, here every second, takes jobs from dead workers once they are older than their `timeout`. Results
are not kept (`ttl` -1); a swept job is tried again while `retries` last.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from saq import Queue, Worker

from tests.benchmarks.drain.workers.outgoing import Outgoing
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Put]:
    """Lend what enqueues a job."""
    queue = Queue.from_url(settings.redis_url)

    async def put(facts: Facts) -> None:
        await queue.enqueue("send", retries=10, timeout=settings.silence_seconds, ttl=-1, **facts)

    try:
        yield put
    finally:
        await queue.disconnect()


async def work(settings: Settings) -> None:
    """Work until the process is ended."""
    outgoing = Outgoing(settings)

    async def send(_: dict[str, Any], **facts: str) -> None:
        await outgoing.send(**facts)

    logging.getLogger("saq").setLevel(logging.WARNING)
    await Worker(
        Queue.from_url(settings.redis_url),
        functions=[("send", send)],
        concurrency=settings.jobs,
        timers={"sweep": 1},
    ).start()


if __name__ == "__main__":
    uvloop.run(work(Settings.read()))
