"""Porter beside its floors and peers.

python -m tests.benchmarks.drain drain [SYSTEMS]      mails a second out of a backlog
python -m tests.benchmarks.drain latency [SYSTEMS]    what a mail takes at 50 a second
python -m tests.benchmarks.drain kills [SYSTEMS]      what three `kill -9` of the worker cost
python -m tests.benchmarks.drain redis [SYSTEMS]      what a `kill -9` of Redis costs; Porter unless named
python -m tests.benchmarks.drain growth               Porter's drain beside an old ledger and a backlog
python -m tests.benchmarks.drain grid                 the list of users with a thousand and a million
python -m tests.benchmarks.drain footprint            start to ready, and memory, of both services
python -m tests.benchmarks.drain report               write docs/benchmarks.md from what was measured last

SYSTEMS are names, comma-separated; without any, all. Systems are measured in interleaved rounds. Sizes come
from the environment, to try it out: PORTER_BENCH_COUNT (mails), PORTER_BENCH_ROUNDS, PORTER_BENCH_SECONDS.
"""

import asyncio
import sys
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.drain import report, telling
from tests.benchmarks.drain.draining import drain
from tests.benchmarks.drain.footprint import footprints
from tests.benchmarks.drain.grid import asked
from tests.benchmarks.drain.growth import grown
from tests.benchmarks.drain.killing import kill_redis, kill_workers
from tests.benchmarks.drain.latency import wait_for_mails
from tests.benchmarks.drain.peers import make_all
from tests.benchmarks.drain.results import keep, number
from tests.benchmarks.drain.rounds import in_turns, medians
from tests.benchmarks.drain.stage import staged
from tests.benchmarks.drain.systems import ALL, DRAINING, PORTER, PORTER_TWICE, READY_BYTES, System, named
from tests.benchmarks.drain.telling import tell

QUEUES = tuple(system for system in ALL if system is not READY_BYTES)
PER_SECOND = 50.0


def main(arguments: Sequence[str]) -> None:
    """Run one measurement."""
    names = arguments[1] if len(arguments) > 1 else None
    match arguments[:1]:
        case ["drain"]:
            asyncio.run(_drain(_ready(named(names, among=DRAINING))))
        case ["latency"]:
            asyncio.run(_latency(_ready(named(names, among=QUEUES))))
        case ["kills"]:
            asyncio.run(_kills(_ready(named(names, among=(PORTER_TWICE, *QUEUES)))))
        case ["redis"]:
            asyncio.run(_redis(_ready(named(names or PORTER.name, among=QUEUES))))
        case ["growth"]:
            asyncio.run(_growth())
        case ["grid"]:
            asyncio.run(_grid())
        case ["report"]:
            tell(f"written: {', '.join(report.write())}")
        case ["footprint"]:
            asyncio.run(_footprint())
        case _:
            sys.stdout.write(__doc__ or "")
            sys.exit(2)


def _ready(systems: Sequence[System]) -> Sequence[System]:
    if any(system.peer for system in systems):
        make_all()
    return systems


async def _drain(systems: Sequence[System]) -> None:
    count, rounds = number("COUNT", 10_000), number("ROUNDS", 5)
    tell(f"{count} code mails that wait, one worker; {rounds} rounds in turns")
    async with staged() as stage:
        drained = await in_turns(
            systems, rounds, partial(drain, stage=stage, count=count), told=telling.of_drain
        )
    keep("drain", drained, count=count, rounds=rounds)
    per_second = medians((done.system, done.per_second) for done in drained)
    cpu = medians((done.system, done.cpu_per_thousand) for done in drained)
    tell("\nmedians")
    for system, rate in sorted(per_second.items(), key=lambda pair: -pair[1]):
        porter = per_second.get(PORTER.name, rate) / rate
        tell(f"  {system:20} {rate:7.0f} mails/s   {cpu[system]:6.3f} CPU s   Porter / it {porter:5.2f}")


async def _latency(systems: Sequence[System]) -> None:
    seconds, rounds = number("SECONDS", 20), number("ROUNDS", 3)
    tell(f"{PER_SECOND:.0f} mails a second for {seconds} s, one worker; {rounds} rounds in turns")
    async with staged() as stage:
        waited = await in_turns(
            systems,
            rounds,
            partial(wait_for_mails, stage=stage, per_second=PER_SECOND, seconds=seconds),
            told=telling.of_latency,
        )
    keep("latency", waited, per_second=PER_SECOND, seconds=seconds, rounds=rounds)


async def _kills(systems: Sequence[System]) -> None:
    count, rounds = number("COUNT", 2000), number("ROUNDS", 3)
    tell(f"{count} mails, 200 a second, the worker killed after 3, 6 and 9 s; {rounds} rounds in turns")
    async with staged() as stage:
        costs = await in_turns(
            systems, rounds, partial(kill_workers, stage=stage, count=count), told=telling.of_cost
        )
    keep("kills", costs, count=count, rounds=rounds)


async def _redis(systems: Sequence[System]) -> None:
    count, rounds = number("COUNT", 2000), number("ROUNDS", 3)
    tell(f"{count} mails, 200 a second, Redis killed after 3 s and started on its data; {rounds} rounds")
    async with staged() as stage:
        costs = await in_turns(
            systems, rounds, partial(kill_redis, stage=stage, count=count), told=telling.of_cost
        )
    keep("redis", costs, count=count, rounds=rounds)


async def _growth() -> None:
    count, rounds = number("COUNT", 10_000), number("ROUNDS", 3)
    rows, waiting = number("ROWS", 1_000_000), number("WAITING", 100_000)
    tell(f"{count} mails; {rows} rows in the ledger, {waiting} events waiting; {rounds} rounds in turns")
    async with staged() as stage:
        drained = await grown(stage, count=count, rows=rows, waiting=waiting, rounds=rounds)
    keep("growth", drained, count=count, rows=rows, waiting=waiting, rounds=rounds)
    per_second = medians((done.system, done.per_second) for done in drained)
    nothing, *others = per_second
    for name in others:
        tell(f"  {name}: {per_second[name] / per_second[nothing]:.2f} of the rate with nothing beside")


async def _grid() -> None:
    answers = []
    async with staged() as stage:
        for users in (1000, number("USERS", 1_000_000)):
            tell(f"{users} users")
            answers += await asked(stage, users=users, times=number("ROUNDS", 15))
    keep("grid", answers)
    for answer in answers:
        if answer.plan:
            tell(f"\n{answer.users} users, {answer.question}\n{answer.plan}")


async def _footprint() -> None:
    found = []
    async with staged() as stage:
        for _ in range(number("ROUNDS", 3)):
            found += await footprints(stage, codes=number("COUNT", 3000))
            for each in found[-2:]:
                tell(telling.of_footprint(each))
    keep("footprint", found)


if __name__ == "__main__":
    main(sys.argv[1:])
