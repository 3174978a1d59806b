"""Reads and changes while Redis dies, forgets, refuses or stands still: nobody sees what is over.

Beside this is the model of what happens to connections; here it happens to the server.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
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
PROBE_EVERY = timedelta(milliseconds=50)
"""Long enough for others to ask a Redis that is back before whoever missed it has found it."""
PROCESSES = 3
WITHIN = 20.0
examples = count()


@dataclass(frozen=True)
class Deed:
    """What someone does at a process, after so many beats, each part taking so many more."""

    what: str
    process: int
    after: int
    takes: int


@dataclass(frozen=True)
class Trial:
    """What befalls Redis, for how many beats, and what is done meanwhile, and as soon as it is over.

    Processes that do nothing meanwhile never notice.
    """

    mishap: str
    lasts: int
    meanwhile: Sequence[Deed]
    afterwards: Sequence[Deed]


def deeds(*kinds: str, least: int) -> st.SearchStrategy[list[Deed]]:
    """Draw what is done."""
    one = st.builds(
        Deed,
        what=st.sampled_from(kinds),
        process=st.integers(0, PROCESSES - 1),
        after=st.integers(0, 12),
        takes=st.integers(0, 4),
    )
    return st.lists(one, min_size=least, max_size=8)


trials = st.lists(
    st.builds(
        Trial,
        mishap=st.sampled_from(["killed", "emptied", "cut back", "refusing writes", "standing still"]),
        lasts=st.integers(10, 150),
        meanwhile=deeds(
            "read", "read", "read", "read and go away", "change", "change", "change and go away", least=2
        ),
        afterwards=deeds("read", "read", "read", "change", least=1),
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
    processes: Sequence[Process]
    name: str
    version: int = 0
    finished: int = 0
    gone: bool = False
    """Whether Redis is dead; whatever is there when it comes back is of another generation."""
    refusal: int | None = None
    """The newest version whose drop was refused, while Redis refuses; nothing older is taken from it then."""

    async def go_through(self, trial: Trial) -> None:
        """Have everybody keep the row, and then let it happen."""
        for process in self.processes:
            await self.read(process, 0)
        begun, over = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.befall(trial, begun, over))
            for moment, doing in ((begun, trial.meanwhile), (over, trial.afterwards)):
                for deed in doing:
                    group.create_task(self.do(deed, moment))

    async def do(self, deed: Deed, moment: asyncio.Event) -> None:
        process = self.processes[deed.process]
        await moment.wait()
        await self.pause(deed.after)
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

        finished, refused = self.finished, self.refusal
        seen = await process.numbers.read(process.numbers.place(f"{USER_PREFIX}{self.name}", "row"), load)
        assert seen is not None
        assert finished <= seen <= self.version
        if refused is not None and self.refusal is not None:
            assert refused <= seen

    async def change(self, process: Process, takes: int, *, leaving: bool = False) -> None:
        self.version += 1
        version = self.version
        await self.pause(takes)
        drop = process.cache.drop([f"{USER_PREFIX}{self.name}"])
        await (self.leave(drop, after=takes) if leaving else drop)
        if self.refusal is not None:
            self.refusal = max(self.refusal, version)
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

    async def befall(self, trial: Trial, begun: asyncio.Event, over: asyncio.Event) -> None:
        """Let it happen to Redis."""
        match trial.mishap:
            case "refusing writes":
                async with Redis.from_url(self.own.url) as operator:
                    await operator.config_set("min-replicas-to-write", 1)
                    self.refusal = 0
                    begun.set()
                    await self.pause(trial.lasts)
                    self.refusal = None
                    await operator.config_set("min-replicas-to-write", 0)
            case "standing still":
                self.own.signal(signal.SIGSTOP)
                begun.set()
                await self.pause(trial.lasts)
                self.own.signal(signal.SIGCONT)
            case "cut back":
                size = append_only.written(self.own.folder)
                begun.set()
                await self.pause(trial.lasts)
                self.die()
                append_only.cut_back(self.own.folder, to=size)
                await self.rise()
            case _:
                self.die()
                begun.set()
                await self.pause(trial.lasts)
                if trial.mishap == "emptied":
                    append_only.take_away(self.own.folder)
                await self.rise()
        over.set()

    def die(self) -> None:
        self.own.kill()
        self.gone = True

    async def rise(self) -> None:
        self.gone = False
        self.own.launch()
        await until(partial(redis_answers, self.own.url), within=WITHIN, every=0.001)

    async def pause(self, beats: int) -> None:
        for _ in range(beats):
            await self.beat.ping()


@asynccontextmanager
async def processes_on(own: OwnRedis) -> AsyncIterator[list[Process]]:
    opened = [Process(own.url, patience=PATIENCE, probe_every=PROBE_EVERY) for _ in range(PROCESSES)]
    try:
        yield opened
    finally:
        for process in opened:
            await process.close()


async def play(own: OwnRedis, beat_url: str, trials: Sequence[Trial]) -> float:
    async with processes_on(own) as processes, Redis.from_url(beat_url) as beat:
        world = World(own, beat, processes, str(next(examples)))
        for trial in trials:
            await world.go_through(trial)
            for process in processes:
                await until(lambda: not process.circuit.is_open, within=WITHIN)  # noqa: B023 - awaited in this turn
            await world.change(processes[0], 0)  # so that nobody waits for the ticket of one who went away
            assert world.finished == world.version
    return sum(process.counted("hit") for process in processes)


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(request.param, tmp_path) as server:
        yield server


def test_no_read_is_older_than_the_last_change_that_had_ended_whatever_befalls_redis(
    own: OwnRedis, redis_servers: Callable[[str], str]
) -> None:
    hits, beat_url = 0.0, redis_servers(KINDS[0])

    # Nothing is made smaller when it fails: that takes minutes, and time is part of what failed.
    @settings(
        max_examples=40, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(trials=trials)
    def holds(trials: Sequence[Trial]) -> None:
        nonlocal hits
        hits += asyncio.run(play(own, beat_url, trials))

    holds()
    assert hits > 100, "the cache was used"
