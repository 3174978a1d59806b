"""arq: an asynchronous queue on a sorted set.

It looks for work every `poll_delay` (0.5 s by default, and takes no more than `max_jobs` each time): 10 ms
here. A job whose worker died is free again after `job_timeout` and 10 s more. Results are not kept.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from arq import Worker, create_pool
from arq.connections import RedisSettings
from arq.worker import func

from tests.benchmarks.drain.workers.outgoing import Outgoing
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Put]:
    """Lend what enqueues a job."""
    pool = await create_pool(RedisSettings.from_dsn(settings.redis_url))

    async def put(facts: Facts) -> None:
        await pool.enqueue_job("send", **facts)

    try:
        yield put
    finally:
        await pool.aclose()


def work(settings: Settings) -> None:
    """Work until the process is ended."""

    async def open_(context: dict[str, Any]) -> None:
        context["outgoing"] = Outgoing(settings)

    async def send(context: dict[str, Any], **facts: str) -> None:
        await context["outgoing"].send(**facts)

    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    Worker(
        [func(send, name="send")],
        redis_settings=RedisSettings.from_dsn(settings.redis_url),
        on_startup=open_,
        max_jobs=settings.jobs,
        job_timeout=settings.silence_seconds,
        poll_delay=0.01,
        keep_result=0,
        max_tries=10,
        log_results=False,
    ).run()


if __name__ == "__main__":
    work(Settings.read())
