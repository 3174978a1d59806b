"""Porter beside its floors and peers.

python -m tests.benchmarks.drain drain [SYSTEMS]      mails a second out of a backlog, in interleaved rounds

SYSTEMS are names, comma-separated; without any, all. Sizes come from the environment, for trying it out:
PORTER_BENCH_COUNT (10000 mails), PORTER_BENCH_ROUNDS (5).
"""

import asyncio
import sys
from collections.abc import Sequence

from tests.benchmarks.drain.peers import make_all
from tests.benchmarks.drain.results import keep, number
from tests.benchmarks.drain.rounds import drain_in_turns, medians, tell
from tests.benchmarks.drain.stage import staged
from tests.benchmarks.drain.systems import PORTER, named


def main(arguments: Sequence[str]) -> None:
    """Run one measurement."""
    names = arguments[1] if len(arguments) > 1 else None
    match arguments[:1]:
        case ["drain"]:
            asyncio.run(_drain(names))
        case _:
            sys.stdout.write(__doc__ or "")
            sys.exit(2)


async def _drain(names: str | None) -> None:
    systems, count, rounds = named(names), number("COUNT", 10_000), number("ROUNDS", 5)
    if any(system.peer for system in systems):
        make_all()
    tell(f"{count} code mails that wait, one worker; {rounds} rounds in turns")
    async with staged() as stage:
        drained = await drain_in_turns(systems, stage=stage, count=count, rounds=rounds)
    keep("drain", drained, count=count, rounds=rounds)
    per_system = medians(drained)
    tell("\nmedians")
    for system, (per_second, cpu, servers) in per_system.items():
        beside = ""
        if PORTER.name in per_system:
            beside = f"   Porter: {per_system[PORTER.name][0] / per_second:5.2f} times as fast"
        tell(f"  {system:18} {per_second:7.0f} mails/s   {cpu:6.3f} CPU s   servers {servers:6.3f}{beside}")


if __name__ == "__main__":
    main(sys.argv[1:])
