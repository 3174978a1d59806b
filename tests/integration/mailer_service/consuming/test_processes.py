"""Consumers as real processes: one that an entry kills, one that is stopped in its tracks."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from mailer_service.consuming.entries import Entry
from tests.support.consumers import LANE, Desk, publish, running
from tests.support.lane_contents import lane_contents, raw_entries
from tests.support.waiting import until

SOON_SECONDS = 20.0
ROOT = Path(__file__).parents[4]


@dataclass
class Watched:
    """A consumer's process and the lines it wrote."""

    process: asyncio.subprocess.Process
    lines: list[tuple[str, str]] = field(default_factory=list)

    def told(self, what: str) -> list[str]:
        """Give the ids of the events that this was said of."""
        return [event_id for said, event_id in self.lines if said == what]

    async def listen(self) -> None:
        """Take down its lines until it ends."""
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode():
            what, _, event_id = line.strip().partition(" ")
            self.lines.append((what, event_id))


@asynccontextmanager
async def consumer_process(url: str) -> AsyncIterator[Watched]:
    """Run one; at the end it is asked to stop, or found dead."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.consumer_process", url),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    watched = Watched(process)
    listening = asyncio.create_task(watched.listen())
    try:
        yield watched
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        await process.wait()
        await listening


async def signs(redis: Redis) -> float:
    """Tell when the last sign of life came, in milliseconds of Redis time."""
    newest: Any = await redis.zrange(LANE.alive, 0, 0, desc=True, withscores=True)
    return float(newest[0][1]) if newest else 0.0


async def test_what_kills_its_process_is_dead_after_three_and_the_others_are_handled(
    redis_url: str, redis: Redis
) -> None:
    good = await publish(redis, 4)
    (killer,) = await publish(redis, locale="kill")
    good += await publish(redis, 5)
    handled: list[str] = []
    deaths = 0

    async def is_quiet() -> bool:
        return (await lane_contents(redis, LANE)).is_quiet

    async with asyncio.timeout(60):
        while not await redis.xlen(LANE.dead):
            async with consumer_process(redis_url) as consumer:

                async def ended_or_quiet() -> bool:
                    return consumer.process.returncode is not None or await is_quiet()

                await until(ended_or_quiet, within=SOON_SECONDS)
            handled += consumer.told("handled")
            deaths += consumer.process.returncode == 1
    async with running(redis_url, Desk()):
        await until(is_quiet, within=SOON_SECONDS)
    ((_, letter),) = await raw_entries(redis, LANE.dead)
    entry = Entry(LANE.dead, "1-1", letter)
    assert (entry.text(b"id"), entry.text(b"reason"), entry.crashes) == (str(killer), "poisonous", 3)
    assert deaths == 3
    assert set(handled) >= {str(event_id) for event_id in good}
    assert str(killer) not in handled


async def test_a_stopped_consumer_begins_and_settles_nothing_that_was_taken_over(
    redis_url: str, redis: Redis
) -> None:
    desk = Desk()
    async with consumer_process(redis_url) as stopped:
        published = [str(event_id) for event_id in await publish(redis, 3, locale="wait")]
        await until(lambda: len(stopped.told("waiting")) == 3, within=SOON_SECONDS)
        stopped.process.send_signal(signal.SIGSTOP)
        async with running(redis_url, desk):
            await until(lambda: len(desk.finished) == 3, within=SOON_SECONDS)
            assert {entry.crashes for entry in desk.entries} == {1}
        old_signs = await signs(redis)
        stopped.process.send_signal(signal.SIGCONT)

        async def gives_signs_again() -> bool:
            return await signs(redis) > old_signs

        # Not its age refuses it now, but that its life broke since it read them.
        await until(gives_signs_again, within=SOON_SECONDS)
        assert stopped.process.stdin is not None
        stopped.process.stdin.write(b"go\n")
        await until(lambda: len(stopped.told("refused")) == 3, within=SOON_SECONDS)
        contents = await lane_contents(redis, LANE)
    assert sorted(stopped.told("refused")) == sorted(published)
    assert stopped.told("begun") == stopped.told("handled") == []
    # What it said of them changed nothing: no copy went back to be read again.
    assert contents.is_quiet
    assert contents.retry == contents.dead == []
    assert stopped.process.returncode == 0


async def test_a_consumer_that_is_well_may_begin(redis_url: str, redis: Redis) -> None:
    async with consumer_process(redis_url) as consumer:
        await publish(redis, 2, locale="wait")
        await until(lambda: len(consumer.told("waiting")) == 2, within=SOON_SECONDS)
        assert consumer.process.stdin is not None
        consumer.process.stdin.write(b"go\n")
        await until(lambda: len(consumer.told("handled")) == 2, within=SOON_SECONDS)
    assert sorted(consumer.told("begun")) == sorted(consumer.told("handled"))
    assert consumer.process.returncode == 0
