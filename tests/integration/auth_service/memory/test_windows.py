import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from unittest.mock import ANY

import pytest
from redis.asyncio import Redis

from auth_service.memory.policies import Allowed, Denied, Policy
from auth_service.memory.windows import SharedWindows, window_key
from tests.integration.auth_service.memory.conftest import SECRET
from tests.support.waiting import until

WIDE = Policy("wide", 10, timedelta(minutes=1))
NARROW = Policy("narrow", 1, timedelta(minutes=1))
BRIEF = Policy("brief", 2, timedelta(milliseconds=150))


@asynccontextmanager
async def window_process(url: str, *, hits: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that has connected and waits for a word to hit."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.window_process", url, str(hits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_of_a_hundred_hits_at_once_in_two_processes_exactly_five_pass(redis_url: str) -> None:
    async with window_process(redis_url, hits=50) as one, window_process(redis_url, hits=50) as other:
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        allowed = [int((await process.communicate())[0]) for process in (one, other)]

    assert sum(allowed) == 5


async def test_a_hundred_hits_at_once_in_one_process_are_counted_as_exactly(windows: SharedWindows) -> None:
    policy = Policy("many", 37, timedelta(minutes=1))

    verdicts = await asyncio.gather(*(windows.hit([(policy, "ada")]) for _ in range(100)))

    assert sorted(v.remaining for v in verdicts if isinstance(v, Allowed) and v.remaining is not None) == [
        *range(37)
    ]
    assert sum(isinstance(verdict, Denied) for verdict in verdicts) == 63


async def test_who_never_stops_asking_is_free_at_the_very_millisecond_that_the_window_says(
    windows: SharedWindows,
) -> None:
    _, _, first = await windows._run([(BRIEF, "ada")])
    _, _, _ = await windows._run([(BRIEF, "ada")])
    free_at = first + BRIEF.per_ms

    denials = 0
    while True:
        full, number, now = await windows._run([(BRIEF, "ada")])
        if not full:
            break
        denials += 1
        assert now < free_at
        assert now + number == free_at
    assert now >= free_at
    assert denials > 1


async def test_after_the_window_the_memory_is_back_to_zero(
    windows: SharedWindows, redis_client: Redis
) -> None:
    await asyncio.gather(*(windows.hit([(BRIEF, f"person {number}")]) for number in range(20)))
    assert await redis_client.dbsize() == 20

    async def empty() -> bool:
        return bool(await redis_client.dbsize() == 0)

    await until(empty, within=5)


async def test_every_window_ends_by_itself_and_no_key_names_anybody(
    windows: SharedWindows, redis_client: Redis
) -> None:
    address = "ada@example.org"
    await windows.hit([(WIDE, address), (NARROW, address)])
    await windows.hit([(WIDE, address)])

    keys = sorted([key async for key in redis_client.scan_iter()])
    assert [key.partition(":")[0] for key in keys] == ["{auth.limits}"] * 2
    for key in keys:
        ttl_ms = await redis_client.pttl(key)
        assert 0 < ttl_ms <= WIDE.per_ms
        written = json.dumps([key, await redis_client.lrange(key, 0, -1)])
        assert "ada@" not in written
        assert "example" not in written


async def test_a_denied_hit_is_counted_in_no_window(windows: SharedWindows) -> None:
    assert await windows.hit([(WIDE, "office"), (NARROW, "ada")]) == Allowed(0)
    for _ in range(20):
        denied = await windows.hit([(WIDE, "office"), (NARROW, "ada")])
        assert isinstance(denied, Denied)
        assert denied.policy == "narrow"

    assert await windows.hit([(WIDE, "office")]) == Allowed(8)


async def test_the_first_full_window_is_the_one_that_is_named(windows: SharedWindows) -> None:
    for _ in range(10):
        await windows.hit([(WIDE, "office")])
    await windows.hit([(NARROW, "ada")])

    denied = await windows.hit([(WIDE, "office"), (NARROW, "ada")])

    assert isinstance(denied, Denied)
    assert denied.policy == "wide"


async def test_windows_of_different_subjects_and_policies_are_apart(windows: SharedWindows) -> None:
    assert await windows.hit([(NARROW, "ada")]) == Allowed(0)
    assert await windows.hit([(NARROW, "bob")]) == Allowed(0)
    assert await windows.hit([(Policy("other", 1, timedelta(minutes=1)), "ada")]) == Allowed(0)


async def test_a_redis_that_forgot_script_and_windows_begins_anew(
    windows: SharedWindows, redis_client: Redis
) -> None:
    await windows.hit([(NARROW, "ada")])
    await redis_client.flushall()
    await redis_client.script_flush()

    assert await windows.hit([(NARROW, "ada")]) == Allowed(0)


async def test_hits_from_a_future_that_the_clock_came_back_from_are_forgotten(
    windows: SharedWindows, redis_client: Redis
) -> None:
    seconds, _ = await redis_client.time()
    tomorrow_ms = (int(seconds) + 86_400) * 1000
    key = window_key("narrow", "ada", secret=SECRET)
    await redis_client.rpush(key, tomorrow_ms)
    await redis_client.expire(key, 60)

    assert await windows.hit([(NARROW, "ada")]) == Allowed(0)


async def test_a_window_made_smaller_has_room_when_enough_hits_have_left_it(windows: SharedWindows) -> None:
    times = [(await windows._run([(Policy("n", 5, BRIEF.per), "ada")]))[2] for _ in range(4)]

    full, number, now = await windows._run([(Policy("n", 2, BRIEF.per), "ada")])

    assert full == 1
    assert now + number == times[2] + BRIEF.per_ms


GARBAGE = ("?", "", "nan", "-nan", "1e", "inf", "0x7fffffffffff")


@pytest.mark.parametrize("kind", ["string", "hash", "first", "last", "all"])
@pytest.mark.parametrize("garbage", GARBAGE)
async def test_what_no_window_holds_is_dropped_and_counting_begins_at_zero(
    windows: SharedWindows, redis_client: Redis, kind: str, garbage: str
) -> None:
    key = window_key("wide", "ada", secret=SECRET)
    full = WIDE.count
    seconds, _ = await redis_client.time()
    hits = [str(int(seconds) * 1000)] * full
    match kind:
        case "string":
            await redis_client.set(key, garbage)
        case "hash":
            await redis_client.hset(key, garbage, garbage)
        case "first":
            await redis_client.rpush(key, garbage, *hits[1:])
        case "last":
            await redis_client.rpush(key, *hits[1:], garbage)
        case _:
            await redis_client.rpush(key, *[garbage] * full)

    verdicts = [await windows.hit([(WIDE, "ada")]) for _ in range(2)]

    assert verdicts in (
        [Allowed(full - 1), Allowed(full - 2)],  # nothing is left
        [Allowed(0), Denied("wide", ANY)],  # what could be read still counts
    )
    assert 0 < await redis_client.pttl(key) <= WIDE.per_ms
