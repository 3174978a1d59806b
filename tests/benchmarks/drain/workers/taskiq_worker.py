"""taskiq on taskiq-redis' stream broker, the one of its brokers that acknowledges.

python -m taskiq worker tests.benchmarks.drain.workers.taskiq_worker:broker …

It reads 100 entries at once and runs `--max-async-tasks`; after each read it claims what has been idle for
`idle_timeout`, under a lock that a killed worker leaves behind unless it has a timeout. There is no result
backend, and the worker runs on uvloop where that is installed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from tests.benchmarks.drain.workers.outgoing import Outgoing
from tests.benchmarks.drain.workers.publishing import Facts, Put
from tests.benchmarks.drain.workers.settings import Settings

SETTINGS = Settings.read()

broker = RedisStreamBroker(
    SETTINGS.redis_url,
    consumer_id="0",
    xread_count=100,
    idle_timeout=SETTINGS.silence_seconds * 1000,
    unacknowledged_lock_timeout=1,
)


async def opened(state: TaskiqState) -> None:
    """Open the way out when the worker starts."""
    state.outgoing = Outgoing(SETTINGS)


async def send(address: str, name: str, code: str) -> None:
    """Send one mail."""
    await broker.state.outgoing.send(address=address, name=name, code=code)


broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, opened)
job = broker.register_task(send, task_name="send")


@asynccontextmanager
async def publishing(_: Settings) -> AsyncIterator[Put]:
    """Lend what enqueues a job."""

    async def put(facts: Facts) -> None:
        await job.kiq(**facts)

    await broker.startup()
    try:
        yield put
    finally:
        await broker.shutdown()
