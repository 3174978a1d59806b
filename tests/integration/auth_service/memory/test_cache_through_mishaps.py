"""Reads and changes while Redis dies, forgets, refuses or stands still: nobody sees what is over.

Beside this is the model of what happens to connections; here it happens to the server.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from auth_service.memory.cache_keys import USER_PREFIX
from auth_service.memory.reads import Loaded
from devstack.answers import redis_answers
from tests.support import append_only
from tests.support.caches import Process
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.waiting import until

FRESH = timedelta(seconds=30)
PATIENCE = timedelta(milliseconds=30)
"""Redis stands still for longer, and for less long."""
PROCESSES = 3
WITHIN = 20.0
examples = count()


@dataclass(frozen=True)
class Deed:
    """What a process does, in turn with its others, and how many beats each part of it takes."""

    what: str
    takes: int


@dataclass(frozen=True)
class Mishap:
    """What happens to Redis, and for how many beats."""

    what: str
    lasts: int


deeds = st.lists(
    st.builds(
        Deed,
        what=st.sampled_from(["read"] * 4 + ["read and go away", "change", "change", "change and go away"]),
        takes=st.integers(0, 6),
    ),
    min_size=2,
    max_size=6,
)
mishaps = st.lists(
    st.builds(
        Mishap,
        what=st.sampled_from(["killed", "emptied", "cut back", "refusing writes", "standing still"]),
        lasts=st.integers(0, 200),
    ),
    min_size=1,
    max_size=3,
)


@dataclass
class World:
    """One row, the newest version of it that everyone must see from now on, and the Redis that fares ill.

    `beat` is another server, whose round trips are the time that all go by.
    """

    own: OwnRedis
    beat: Redis
    name: str
    version: int = 0
    finished: int = 0
    gone: bool = False
    """Whether Redis is dead; whatever is there when it comes back is of another generation."""
    calm: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, process: Process, deeds: Sequence[Deed]) -> None:
        """Do all of it, again and again, until no more befalls Redis; then once more."""
        last = False
        while not last:
            last = self.calm.is_set()
            for deed in deeds:
                await self.pause(1)
                await self.do(process, deed)

    async def do(self, process: Process, deed: Deed) -> None:
        match deed.what:
            case "read":
                await self.read(process, deed.takes)
            case "read and go away":
                await self.leave(self.read(process, deed.takes), after=deed.takes)
            case "change":
                await self.change(process, deed.takes)
            case _:
                await self.change(process, deed.takes, leaving=True)

    async def read(self, process: Process, takes: int) -> None:
        async def load() -> Loaded[int]:
            await self.pause(takes // 2)
            version = self.version
            await self.pause(takes)
            return Loaded(version, fresh=FRESH)

        finished = self.finished
        seen = await process.numbers.read(process.numbers.place(f"{USER_PREFIX}{self.name}", "row"), load)
        assert seen is not None
        assert finished <= seen <= self.version

    async def change(self, process: Process, takes: int, *, leaving: bool = False) -> None:
        self.version += 1
        version = self.version
        await self.pause(takes)
        drop = process.cache.drop([f"{USER_PREFIX}{self.name}"])
        await (self.leave(drop, after=takes) if leaving else drop)
        if not self.gone:
            # The same Redis may go on with what it had, and tell it to whoever never missed it.
            await until(lambda: not process.owes, within=WITHIN, every=0.002)
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

    async def befall(self, mishaps: Sequence[Mishap]) -> None:
        """Let all of it happen to Redis, one after the other."""
        for mishap in mishaps:
            await self.pause(mishap.lasts)
            match mishap.what:
                case "killed":
                    await self.die(mishap, lambda: None)
                case "emptied":
                    await self.die(mishap, lambda: append_only.take_away(self.own.folder))
                case "cut back":
                    size = append_only.written(self.own.folder)
                    await self.pause(mishap.lasts)
                    await self.die(mishap, lambda: append_only.cut_back(self.own.folder, to=size))  # noqa: B023 - called in this turn
                case "refusing writes":
                    await self.refuse(mishap)
                case _:
                    self.own.signal(signal.SIGSTOP)
                    await self.pause(mishap.lasts)
                    self.own.signal(signal.SIGCONT)
        self.calm.set()

    async def die(self, mishap: Mishap, lose: Callable[[], None]) -> None:
        self.own.kill()
        self.gone = True
        await self.pause(mishap.lasts)
        lose()
        self.gone = False
        self.own.launch()
        await until(partial(redis_answers, self.own.url), within=WITHIN)

    async def refuse(self, mishap: Mishap) -> None:
        async with Redis.from_url(self.own.url) as operator:
            await operator.config_set("min-replicas-to-write", 1)
            await self.pause(mishap.lasts)
            await operator.config_set("min-replicas-to-write", 0)

    async def pause(self, beats: int) -> None:
        for _ in range(beats):
            await self.beat.ping()


@asynccontextmanager
async def processes_on(own: OwnRedis) -> AsyncIterator[list[Process]]:
    opened = [Process(own.url, patience=PATIENCE) for _ in range(PROCESSES)]
    try:
        yield opened
    finally:
        for process in opened:
            await process.close()


async def play(
    own: OwnRedis, beat_url: str, lives: Sequence[Sequence[Deed]], mishaps: Sequence[Mishap]
) -> float:
    async with processes_on(own) as processes, Redis.from_url(beat_url) as beat:
        world = World(own, beat, str(next(examples)))
        async with asyncio.TaskGroup() as group:
            for process, deeds in zip(processes, lives, strict=True):
                group.create_task(world.live(process, deeds))
            group.create_task(world.befall(mishaps))
        await world.change(processes[0], 0)  # and whoever went away with a ticket keeps nobody waiting
        assert world.finished == world.version
        for process in processes:
            kept = process.counted("hit")

            async def is_kept(process: Process = process, kept: float = kept) -> bool:
                await world.read(process, 1)
                return process.counted("hit") > kept

            await until(is_kept, within=WITHIN)  # and what is kept then is true
    return sum(process.counted("hit") for process in processes)


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(request.param, tmp_path) as server:
        yield server


def test_no_read_is_older_than_the_last_change_that_had_ended_whatever_befalls_redis(
    own: OwnRedis, redis_servers: Callable[[str], str]
) -> None:
    hits, beat_url = 0.0, redis_servers(KINDS[0])

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(lives=st.tuples(*[deeds] * PROCESSES), mishaps=mishaps)
    def holds(lives: Sequence[Sequence[Deed]], mishaps: Sequence[Mishap]) -> None:
        nonlocal hits
        hits += asyncio.run(play(own, beat_url, lives, mishaps))

    holds()
    assert hits > 100, "the cache was used"
