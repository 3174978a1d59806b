"""Systems in turns, round by round, so that what else the machine does falls on all of them alike."""

import statistics
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from tests.benchmarks.drain.systems import System
from tests.benchmarks.drain.telling import tell

T = TypeVar("T")


async def in_turns(
    systems: Sequence[System],
    rounds: int,
    measure: Callable[[System], Awaitable[T]],
    *,
    told: Callable[[T], str],
) -> list[T]:
    """Measure each system in each round, every second round backwards; tell each result at once."""
    measured = []
    for number in range(rounds):
        for system in systems if number % 2 == 0 else reversed(systems):
            measured.append(await measure(system))
            tell(f"  {number + 1:2}  {told(measured[-1])}")
    return measured


def medians(pairs: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    """Give each system's median."""
    values = defaultdict(list)
    for system, value in pairs:
        values[system].append(value)
    return {system: statistics.median(each) for system, each in values.items()}
