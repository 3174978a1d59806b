"""How fast one worker drains what waits for it: mails a second, and processor time a thousand mails."""

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.drain.counting_sink import CountingSink, counting_sink
from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.systems import READY_BYTES, System
from tests.benchmarks.drain.worker import Worker, working

LOOK_SECONDS: Final = 0.005
STALLED_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Drained:
    """From the first mail in the sink to the last; the worker's start is before that."""

    system: str
    mails: int
    seconds: float
    cpu_seconds: float
    """Of the worker and its children."""
    servers_cpu_seconds: float
    """Of Redis and Postgres."""
    load: float
    """The machine's load average before: what else ran takes its part."""

    @property
    def per_second(self) -> float:
        """Mails a second."""
        return self.mails / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """The worker's CPU seconds a thousand mails."""
        return 1000 * self.cpu_seconds / self.mails


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    mails: int
    cpu: float
    servers_cpu: float


async def drain(system: System, *, stage: Stage, count: int, waiting: int = 0) -> Drained:
    """Let one worker find `count` mails and `waiting` more, and time the first `count`."""
    await stage.clear()
    await stage.fill(system, count + waiting)
    load, _, _ = os.getloadavg()
    arguments = (str(count),) if system is READY_BYTES else ()
    async with counting_sink(stage.folder, pipelining=system.pipelining) as sink:
        environment = stage.environment(smtp_port=sink.port)
        async with working(
            system, environment=environment, folder=stage.folder, arguments=arguments
        ) as worker:
            first = await _when(1, sink=sink, worker=worker, stage=stage)
            last = await _when(count, sink=sink, worker=worker, stage=stage)
    return Drained(
        system=system.name,
        mails=last.mails - first.mails,
        seconds=last.at - first.at,
        cpu_seconds=last.cpu - first.cpu,
        servers_cpu_seconds=last.servers_cpu - first.servers_cpu,
        load=load,
    )


async def _when(count: int, *, sink: CountingSink, worker: Worker, stage: Stage) -> _Look:
    """Look the moment that the sink has `count` mails. Raises `AssertionError` when no more come."""
    mails, moved = sink.count(), time.monotonic()
    while mails < count:
        await asyncio.sleep(LOOK_SECONDS)
        worker.must_live()
        seen = sink.count()
        if seen > mails:
            mails, moved = seen, time.monotonic()
        elif time.monotonic() > moved + STALLED_SECONDS:
            tail = worker.log.read_text()[-2000:]
            raise AssertionError(f"{worker.system.name} stopped at {mails} of {count} mails:\n{tail}")
    at = time.monotonic()
    return _Look(at, mails, worker.cpu_seconds(), stage.cpu_seconds())
