"""The page "write your own consumer": its code and its users, as they stand there, beside a running stack."""

import asyncio
import os
import shlex
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from devstack.stack import Stack
from devstack.visitor import Visitor, expect
from tests.support.pages import blocks, shell_words
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "write-your-own-consumer.md"
STREAM, GROUP = "{auth.accounts}", "analytics"
SEEN_WITHIN_SECONDS = 30.0


@pytest.fixture
def settings(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """Save the page's code, and give the environment that it runs in."""
    (code,) = blocks(PAGE, "python")
    (tmp_path / "signups.py").write_text(code, encoding="utf-8")
    address = stack.environment["REDIS_URL"].removeprefix("redis://")
    return {
        "PATH": os.environ["PATH"],
        "REDIS_URL": f"redis://analytics:a-long-password@{address}",
        "SIGNUPS_DB": str(tmp_path / "signups.db"),
    }


async def test_it_counts_from_history_survives_a_crash_and_counts_nothing_twice(
    stack: Stack, settings: Mapping[str, str], tmp_path: Path
) -> None:
    async with Redis.from_url(stack.environment["REDIS_URL"], decode_responses=True) as redis:
        await _let_in(redis, "analytics")
        await _register(stack, "before.one@example.org", "before.two@example.org")
        await until(lambda: _has(redis, 2), within=SEEN_WITHIN_SECONDS)
        async with _consumer(tmp_path, settings):
            await until(lambda: _told(settings) == {"registered": 2}, within=SEEN_WITHIN_SECONDS)
            locked = _locked_book(settings)
            await _register(stack, "while.locked@example.org")
            await until(lambda: _pending(redis), within=SEEN_WITHIN_SECONDS)
        locked.close()
        assert await _pending(redis) == 1  # killed with this one read, and not noted
        assert _told(settings) == {"registered": 2}

        entries: Any = await redis.xrange(STREAM)
        await redis.xadd(STREAM, entries[0][1])  # as a relay does that cannot know what stayed
        async with _consumer(tmp_path, settings):
            await until(lambda: _told(settings) == {"registered": 3}, within=SEEN_WITHIN_SECONDS)
            await until(lambda: _has_read_all(redis), within=SEEN_WITHIN_SECONDS)
            assert _told(settings) == {"registered": 3}

            await redis.flushall()
            await _register(stack, "after.all@example.org")
            await until(lambda: _told(settings) == {"registered": 4}, within=SEEN_WITHIN_SECONDS)
            await until(lambda: _has(redis, 4), within=SEEN_WITHIN_SECONDS)
            await until(lambda: _has_read_all(redis), within=SEEN_WITHIN_SECONDS)
            assert _told(settings) == {"registered": 4}
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        assert await _reported(tmp_path, settings) == f"{day} registered 4\n"
        refused = [entry for entry in await redis.acl_log() if entry["username"] == "analytics"]
        assert refused == []


async def test_its_user_sees_no_login_mail_and_writes_no_facts(
    stack: Stack, settings: Mapping[str, str]
) -> None:
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        await _let_in(redis, "analytics")
    async with Redis.from_url(settings["REDIS_URL"]) as analytics:
        for refused in (
            analytics.xreadgroup(GROUP, "x", {"{auth.login}": ">"}),
            analytics.xadd(STREAM, {"type": "made.up"}),
            analytics.xtrim(STREAM, maxlen=0),
            analytics.xgroup_destroy(STREAM, "mailer"),
            analytics.flushall(),
        ):
            with pytest.raises(NoPermissionError):
                await refused


async def test_an_observer_can_look_and_do_nothing_else(stack: Stack) -> None:
    address = stack.environment["REDIS_URL"].removeprefix("redis://")
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        await _let_in(redis, "observer")
    async with Redis.from_url(f"redis://observer:another-password@{address}") as observer:
        assert await observer.xread({STREAM: "0"}, count=1)
        assert await observer.xrange(STREAM, count=1)
        for refused in (
            observer.xack(STREAM, "mailer", "1-0"),
            observer.xgroup_create(STREAM, "observer"),
            observer.xread({"{auth.login}": "0"}),
        ):
            with pytest.raises(NoPermissionError):
                await refused


async def _let_in(redis: "Redis", user: str) -> None:
    """Make the user with the page's own line."""
    _, *words = shlex.split(shell_words(PAGE, f"redis-cli ACL SETUSER {user}"))
    await cast("Any", redis).execute_command(*words)


async def _register(stack: Stack, *addresses: str) -> None:
    for address in addresses:
        async with Visitor.to(stack.environment, address) as visitor:
            expect(await visitor.register(), 202, "a registration")
            expect(await visitor.verify(await visitor.code()), 403, "a code", code="account_pending")


@asynccontextmanager
async def _consumer(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run the page's code beside what happens within, and kill it then."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "signups.py"), cwd=folder, env=dict(settings), stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
        assert process.returncode is None
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _reported(folder: Path, settings: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "signups.py", "report"), cwd=folder, env=dict(settings), stdout=PIPE
    )
    output, _ = await process.communicate()
    return output.decode()


def _locked_book(settings: Mapping[str, str]) -> sqlite3.Connection:
    """Lock the book until it is closed: the consumer reads, and cannot commit."""
    book = sqlite3.connect(settings["SIGNUPS_DB"], isolation_level=None)
    book.execute("BEGIN EXCLUSIVE")
    return book


def _told(settings: Mapping[str, str]) -> dict[str, int]:
    """Read the book: how many of each kind."""
    if not Path(settings["SIGNUPS_DB"]).exists():
        return {}
    with closing(sqlite3.connect(settings["SIGNUPS_DB"])) as book:
        if not book.execute("SELECT 1 FROM sqlite_master").fetchall():
            return {}
        return dict(book.execute("SELECT kind, count(*) FROM facts GROUP BY kind").fetchall())


async def _has(redis: "Redis", count: int) -> bool:
    """Tell whether so many different people's registrations are on the stream."""
    entries: Any = await redis.xrange(STREAM)
    return len({fields["id"] for _, fields in entries if "user_registered" in fields["type"]}) == count


async def _pending(redis: "Redis") -> int:
    answer = await redis.xpending(STREAM, GROUP)
    return int(answer["pending"])


async def _has_read_all(redis: "Redis") -> bool:
    groups = [group for group in await redis.xinfo_groups(STREAM) if group["name"] == GROUP]
    newest = (await redis.xinfo_stream(STREAM))["last-generated-id"]
    return bool(groups) and not groups[0]["pending"] and groups[0]["last-delivered-id"] == newest
