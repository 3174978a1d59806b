"""Systems in turns, round by round, so that what else the machine does falls on all of them alike."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.benchmarks.drain.draining import Drained, drain
from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.systems import System


async def drain_in_turns(
    systems: Sequence[System], *, stage: Stage, count: int, rounds: int
) -> list[Drained]:
    """Drain `count` mails by each system, `rounds` times; every second round backwards."""
    drained = []
    for number in range(rounds):
        for system in systems if number % 2 == 0 else reversed(systems):
            done = await drain(system, stage=stage, count=count)
            drained.append(done)
            tell(f"  round {number + 1}  {in_words(done)}")
    return drained


def in_words(done: Drained) -> str:
    """Tell one drain in a line."""
    return (
        f"{done.system:18} {done.per_second:7.0f} mails/s   {done.cpu_per_thousand:6.3f} CPU s per 1,000   "
        f"servers {1000 * done.servers_cpu_seconds / done.mails:6.3f}   load {done.load:.1f}"
    )


def medians(drained: Sequence[Drained]) -> Mapping[str, tuple[float, float, float]]:
    """Give each system's median mails a second, and CPU seconds a thousand mails: its own, the servers'."""
    by_system = defaultdict(list)
    for done in drained:
        by_system[done.system].append(done)
    return {
        system: (
            statistics.median(done.per_second for done in all_),
            statistics.median(done.cpu_per_thousand for done in all_),
            statistics.median(1000 * done.servers_cpu_seconds / done.mails for done in all_),
        )
        for system, all_ in by_system.items()
    }


def tell(line: str) -> None:
    """Say a line to whoever watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
