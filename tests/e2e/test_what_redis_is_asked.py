"""Redis is never searched and never emptied: `MONITOR` hears all that both services ask of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis

from auth_service.model.peppers import new_pepper
from contracts.sealing import new_key
from devstack.visitor import Visitor, expect
from tests.e2e.full_run import FullRun, Outdoors, Secrets, outdoors
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.stacks import own_stack
from tests.support.waiting import until

KEYS: Final = {"SEALING_KEYS": new_key(), "AUTH_PEPPERS": new_pepper()}
RULES: Final = {"AUTH_CODE_DIGITS": "8", "LOGIN_METHOD": "otp_and_link", "AUTH_RESEND_COOLDOWN": "1"}
LIMITS: Final = {
    "AUTH_LIMIT_CODES_PER_IP": "1000/300",
    "AUTH_LIMIT_CODES_PER_ADDRESS": "1000/300",
    "AUTH_LIMIT_VERIFY_PER_IP": "1000/300",
    "AUTH_LIMIT_REGISTER_PER_IP": "5/3600",
}
"""All are counted, and the last is reached."""

SEARCHING: Final = {"KEYS", "SCAN", "RANDOMKEY", "DBSIZE", "SORT"}
EMPTYING: Final = {"FLUSHALL", "FLUSHDB", "SWAPDB"}
LINE: Final = re.compile(rb'\+\d+\.\d+ \[\d+ [^\]]+\] "(\w+)"')
LINE_BYTES_MAX: Final = 1 << 24
END: Final = "the end of the tour"


class Monitor:
    """What a Redis is asked, heard by a connection of its own: lines as the server writes them."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take down each line until the connection ends."""
        while line := await reader.readline():
            self.lines.append(line)

    def commands(self) -> list[str]:
        """Name the commands in their order."""
        found = [LINE.match(line) for line in self.lines]
        assert all(found), [line[:200] for line, match in zip(self.lines, found, strict=True) if not match]
        return [match[1].decode().upper() for match in found if match]

    def heard(self, text: str) -> bool:
        """Tell whether anything was asked that has this in it."""
        return any(text.encode() in line for line in self.lines)


@asynccontextmanager
async def monitor(url: str) -> AsyncIterator[Monitor]:
    """Hear what a server is asked from now on."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=LINE_BYTES_MAX)
    writer.write(b"MONITOR\r\n")
    assert await reader.readline() == b"+OK\r\n"
    hearing = Monitor()
    listening = asyncio.create_task(hearing.listen(reader))
    try:
        yield hearing
    finally:
        listening.cancel()
        await asyncio.wait({listening})
        writer.close()


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(request.param, folder) as server:
        yield server


async def test_redis_is_neither_searched_nor_emptied_by_anything_that_anybody_does(own: OwnRedis) -> None:
    settings = {**KEYS, **RULES, **LIMITS, "REDIS_URL": own.url}
    async with monitor(own.url) as hearing, own_stack(**settings) as stack:
        log = stack.folder / "logs" / "auth-2.log"
        with outdoors(stack, {**settings, "LOG_FORMAT": "json"}, log) as url:
            browser, run = Outdoors(url, Secrets()), FullRun(stack.environment, Secrets())
            try:
                await run.take(browser)
                await _come_again(run.admin)
                await _register_too_often(run)
            finally:
                await run.close()
                await browser.close()
        async with Redis.from_url(own.url) as operator:
            assert await operator.keys(END) == []
        await until(lambda: hearing.heard(END), within=20)
        asked = hearing.commands()

    assert {"EVALSHA", "UNLINK", "XADD", "XREADGROUP", "XACK"} <= set(asked), "both services were heard"
    for name in ("{auth.cache}:session:", "{auth.cache}:user:", "{auth.cache}:lists:", "{auth.limits}:"):
        assert hearing.heard(name)
    assert [command for command in asked if command in SEARCHING | EMPTYING] == ["KEYS"], "the operator's own"


async def _come_again(admin: Visitor) -> None:
    """Be seen, look at the grid twice, and sign out."""
    for _ in range(2):
        expect(await admin.me(), 200, "who is signed in")
        expect(await admin.users("active"), 200, "the grid")
    expect(await admin.sign_out(), 204, "a sign-out")


async def _register_too_often(run: FullRun) -> None:
    """Register until the limit says so."""
    answers = []
    for number in range(6):
        newcomer = run.visitor(f"newcomer-{number}@example.org")
        run.everyone.append(newcomer)
        answers.append((await newcomer.register()).status_code)
    assert answers[0] == httpx.codes.ACCEPTED
    assert answers[-1] == httpx.codes.TOO_MANY_REQUESTS
