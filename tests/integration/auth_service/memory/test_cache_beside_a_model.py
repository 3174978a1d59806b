"""Reads, changes and mishaps in any order, by several processes on a real Redis: nobody sees what is over."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from auth_service.memory.cache_keys import USER_PREFIX, session_pointer
from auth_service.memory.circuit import MemoryAway
from auth_service.memory.reads import LOOKS_MAX, Loaded
from tests.support.caches import Process
from tests.support.waiting import until

FRESH = timedelta(seconds=30)
LOOKS = (1, 2, LOOKS_MAX)
"""How often each process looks for what another loads, before it loads as well: in haste, or as they do."""
PROCESSES = len(LOOKS)
SLOW = 60
RESULTS = ("hit", "bypass", "shared")
examples = count()


@dataclass(frozen=True)
class Step:
    """What someone does at a process, after so many round trips, each part taking so many more."""

    what: str
    process: int
    after: int
    takes: int


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(
            ["read"] * 4
            + ["read by pointer"] * 3
            + ["read and go away", "read by pointer and go away"]
            + ["change"] * 3
            + ["change and go away"] * 2
            + ["flush", "forget scripts", "cut"]
        ),
        process=st.integers(0, PROCESSES - 1),
        after=st.integers(0, 12) | st.integers(0, SLOW),
        takes=st.integers(0, 6) | st.just(SLOW),
    ),
    min_size=4,
    max_size=30,
)


class World:
    """One row, and the newest version of it that everyone must see from now on."""

    def __init__(self, processes: list[Process], redis: Redis, name: str) -> None:
        self.processes = processes
        self.redis = redis
        self.name = name
        self.bundle = f"{USER_PREFIX}{name}"
        self.version = self.finished = 0

    async def do(self, step: Step) -> None:
        process = self.processes[step.process]
        await self.pause(step.after)
        match step.what:
            case "read" | "read by pointer":
                await self.read(process, step.takes, by_pointer=step.what != "read")
            case "read and go away" | "read by pointer and go away":
                by_pointer = step.what != "read and go away"
                await self.leave(self.read(process, step.takes, by_pointer=by_pointer), after=step.takes)
            case "change":
                await self.change(process, step.takes)
            case "change and go away":
                await self.change(process, step.takes, leaving=True)
            case "flush":
                await self.redis.flushdb()
            case "forget scripts":
                await self.redis.script_flush()
            case _:
                await self.cut(process)

    async def read(self, process: Process, takes: int, *, by_pointer: bool = False) -> None:
        async def load() -> Loaded[int]:
            await self.pause(min(takes // 2, 3))
            version = self.version
            await self.pause(takes)
            return Loaded(version, fresh=FRESH)

        async def find() -> Loaded[str]:
            await self.pause(takes // 2)
            return Loaded(self.name, fresh=FRESH)

        finished, reader = self.finished, process.numbers
        if by_pointer:
            pointer = reader.place(session_pointer(self.name), "row", prefix=USER_PREFIX)
            seen = await reader.read(pointer, load, find=find)
        else:
            seen = await reader.read(reader.place(self.bundle, "row"), load)
        assert seen is not None
        assert finished <= seen <= self.version

    async def change(self, process: Process, takes: int, *, leaving: bool = False) -> None:
        self.version += 1
        version = self.version
        await self.pause(takes)
        drop = process.cache.drop([self.bundle])
        await (self.leave(drop, after=takes) if leaving else drop)
        # It has ended once it has reached Redis: see the bound that 0011 names.
        await until(lambda: not process.owes, within=20, every=0.002)
        self.finished = max(self.finished, version)

    async def leave(self, deed: Coroutine[Any, Any, None], *, after: int) -> None:
        """Begin something and go away before, or after, it has ended."""
        doing = asyncio.create_task(deed)
        for _ in range(1 + after):
            await asyncio.sleep(0)
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        if not doing.cancelled():
            doing.result()

    async def cut(self, process: Process) -> None:
        """Have Redis hang up on a process, whatever it is doing."""
        try:
            number = await process.circuit.ask("CLIENT", "ID")
        except MemoryAway:
            return
        await self.redis.execute_command("CLIENT", "KILL", "ID", str(int(number)))  # type: ignore[no-untyped-call]  # redis-py's own

    async def pause(self, round_trips: int) -> None:
        for _ in range(round_trips):
            await self.redis.ping()


async def play(url: str, steps: list[Step], example: int) -> Counter[str]:
    processes = [Process(url, looks_max=looks) for looks in LOOKS]
    async with Redis.from_url(url) as redis:
        world = World(processes, redis, str(example))
        try:
            async with asyncio.TaskGroup() as group:
                for step in steps:
                    group.create_task(world.do(step))
            for process in processes:
                await until(lambda: not process.circuit.is_open, within=20)  # noqa: B023 - awaited in this turn
                await world.read(process, 1)
        finally:
            for process in processes:
                await process.close()
    return Counter({result: int(sum(each.counted(result) for each in processes)) for result in RESULTS})


def test_no_read_is_older_than_the_last_change_that_had_ended(redis_url: str) -> None:
    ended: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=steps)
    def holds(steps: list[Step]) -> None:
        ended.update(asyncio.run(play(redis_url, steps, next(examples))))

    holds()
    assert ended["hit"] > 100, "the cache was used"
    assert ended["bypass"] > 20, "what others loaded was loaded beside them"
    assert ended["shared"] > 20, "and waited for"
