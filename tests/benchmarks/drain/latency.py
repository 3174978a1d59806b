"""How long a mail takes on an idle system, from being asked for to the mail server's 250."""

import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.systems import System
from tests.benchmarks.drain.worker import Worker, working
from tests.benchmarks.fast_sink import Sink, fast_sink
from tests.support.waiting import until

WARM_FIRST: Final = 900_000
"""The number of the first person whose mail only warms the worker up."""
WARM: Final = 50
PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Waited:
    """One steady load on one system."""

    system: str
    per_second: float
    seconds: tuple[float, ...]
    """What each mail took, in the order that they were asked for."""
    resident_bytes_idle: int
    resident_bytes_after: int
    """Of the workers and their children: warm and idle, and after the load."""

    def percentile(self, hundredth: int) -> float:
        """Give the seconds that so many of a hundred mails took at most."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[hundredth - 1]


@dataclass(frozen=True, slots=True)
class Running:
    """Workers that have sent their first mails, and the sink that took them."""

    system: System
    stage: Stage
    sink: Sink
    workers: tuple[Worker, ...]


@asynccontextmanager
async def warmed_up(system: System, *, stage: Stage) -> AsyncIterator[Running]:
    """Start a system's workers on empty servers, and wait until they send."""
    await stage.clear()
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(fast_sink(stage.folder))
        workers = [
            await stack.enter_async_context(
                working(system, environment=stage.environment(smtp_port=sink.port), folder=stage.folder)
            )
            for _ in range(system.replicas)
        ]
        publisher = await stage.publisher(system, count=WARM, first=WARM_FIRST, per_second=WARM)
        await publisher.done(within=PATIENCE_SECONDS)
        await until(lambda: len(sink.accepted()) >= WARM, within=PATIENCE_SECONDS, every=0.1)
        yield Running(system, stage, sink, tuple(workers))


async def wait_for_mails(system: System, *, stage: Stage, per_second: float, seconds: float) -> Waited:
    """Ask for mails at a steady rate, and time each."""
    async with warmed_up(system, stage=stage) as running:
        idle = sum(worker.resident_bytes() for worker in running.workers)
        count = round(per_second * seconds)
        publisher = await stage.publisher(system, count=count, per_second=per_second)
        await publisher.done(within=seconds + PATIENCE_SECONDS)
        published = publisher.published()

        def arrived() -> dict[str, float]:
            return {address: at for at, address in running.sink.accepted() if address in published}

        await until(lambda: len(arrived()) == count, within=PATIENCE_SECONDS, every=0.1)
        after = sum(worker.resident_bytes() for worker in running.workers)
        arrivals = arrived()
    took = tuple(arrivals[address] - at for address, at in published.items())
    return Waited(system.name, per_second, took, idle, after)
