"""What kills cost: mails that never come, that come twice, and how long the slowest takes."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.drain.latency import Running, warmed_up
from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.systems import System
from tests.support.waiting import until

PER_SECOND: Final = 200.0
EVERY_SECONDS: Final = 3.0
KILLS: Final = 3
TRICKLE_FIRST: Final = 800_000
"""After the load a mail a second is still asked for, as on any system that is used: some peers look for what
is pending only when something new has come."""
PATIENCE_SECONDS: Final = 90.0
"""What has not come so long after the last was asked for counts as lost."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What became of the mails."""

    system: str
    killed: str
    mails: int
    lost: int
    doubled: int
    """Copies beyond the first."""
    slowest_seconds: float
    """Of those that came."""
    late: int
    """How many took longer than a second."""
    median_seconds: float


async def kill_workers(system: System, *, stage: Stage, count: int) -> Cost:
    """Kill the worker every 3 seconds, three times, and start it again at once; of two, each in turn."""

    async def kill(running: Running, number: int) -> None:
        worker = running.workers[number % len(running.workers)]
        await worker.kill()
        await worker.start()

    return await _under_load(system, stage=stage, count=count, strike=kill, strikes=KILLS, killed="worker")


async def kill_redis(system: System, *, stage: Stage, count: int) -> Cost:
    """Kill Redis in the middle, and start it again at once on its data."""

    async def kill(running: Running, _: int) -> None:
        await running.stage.redis.crash()
        await running.stage.redis.start()

    return await _under_load(system, stage=stage, count=count, strike=kill, strikes=1, killed="Redis")


async def _under_load(
    system: System,
    *,
    stage: Stage,
    count: int,
    strike: Callable[[Running, int], Awaitable[None]],
    strikes: int,
    killed: str,
) -> Cost:
    async with warmed_up(system, stage=stage) as running:
        publisher = await stage.publisher(system, count=count, per_second=PER_SECOND)
        await until(publisher.published, within=PATIENCE_SECONDS)
        began = time.monotonic()
        for number in range(strikes):
            await asyncio.sleep(max(0.0, began + EVERY_SECONDS * (number + 1) - time.monotonic()))
            await strike(running, number)
        await publisher.done(within=count / PER_SECOND + PATIENCE_SECONDS)
        published = publisher.published()
        trickle = await stage.publisher(system, count=1000, first=TRICKLE_FIRST, per_second=1.0)

        def arrivals() -> list[tuple[float, str]]:
            return [(at, address) for at, address in running.sink.accepted() if address in published]

        try:
            await until(
                lambda: len({address for _, address in arrivals()}) == count,
                within=PATIENCE_SECONDS,
                every=0.5,
            )
        except AssertionError:
            pass  # the rest is lost, and is counted below
        finally:
            await trickle.end()
        return _cost(system, killed, published, arrivals())


def _cost(
    system: System, killed: str, published: Mapping[str, float], arrivals: list[tuple[float, str]]
) -> Cost:
    copies = Counter(address for _, address in arrivals)
    first: dict[str, float] = {}
    for at, address in sorted(arrivals):
        first.setdefault(address, at)
    took = [at - published[address] for address, at in first.items()]
    return Cost(
        system=system.name,
        killed=killed,
        mails=len(published),
        lost=len(published) - len(first),
        doubled=copies.total() - len(copies),
        slowest_seconds=max(took),
        late=sum(seconds > 1 for seconds in took),
        median_seconds=statistics.median(took),
    )
