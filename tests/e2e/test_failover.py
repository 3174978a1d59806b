"""Redis's master is lost while people sign in; the services find the next one, each as the user it has."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from contracts.sealing import new_key
from devstack.ports import free_port
from devstack.program import Program
from devstack.stack import Stack
from devstack.visitor import Visitor, expect
from tests.chaos.replica import Replica
from tests.support.redis_users import as_user, refused
from tests.support.stacks import own_caller
from tests.support.waiting import until
from tests.support.watched_redis import AGREED_WITHIN_SECONDS, Node, WatchedRedis, watched_redis

PEOPLE = 4
MAIL_WITHIN_SECONDS = 60.0
PLENTY = dict.fromkeys(
    (
        "AUTH_LIMIT_CODES_PER_IP",
        "AUTH_LIMIT_CODES_PER_ADDRESS",
        "AUTH_LIMIT_VERIFY_PER_IP",
        "AUTH_LIMIT_REGISTER_PER_IP",
    ),
    "1000/60",
)
"""Limits that count and never deny."""


@pytest.mark.timeout(300)
async def test_people_sign_in_while_the_master_is_lost_and_each_mail_comes_once(tmp_path: Path) -> None:
    async with watched_redis("redis", tmp_path) as watched, _stack(watched, tmp_path) as stack:
        async with Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin:
            await admin.sign_in()
            expect(await admin.users("pending"), 200, "the grid")
        stopping = asyncio.Event()
        rounds = [0] * PEOPLE
        lives = [
            asyncio.create_task(_live(stack.environment, number, stopping, rounds))
            for number in range(PEOPLE)
        ]
        await until(lambda: min(rounds) >= 1, within=MAIL_WITHIN_SECONDS)
        former = await watched.master()
        await former.kill()
        await until(lambda: watched.has_moved_from(former), within=AGREED_WITHIN_SECONDS, every=0.05)
        before = list(rounds)
        await until(
            lambda: all(now > then + 1 for now, then in zip(rounds, before, strict=True)),
            within=MAIL_WITHIN_SECONDS,
        )
        stopping.set()
        await asyncio.gather(*lives)
        assert await _refused_by(await watched.master()) == []


@asynccontextmanager
async def _stack(watched: WatchedRedis, folder: Path) -> AsyncIterator[Stack]:
    """Start a stack whose services reach Redis by Sentinels: the door as `auth`, the mailer as `mailer`."""
    shared = PLENTY | {"AUTH_REQUIRE_APPROVAL": "false", "SEALING_KEYS": new_key()}
    caller = own_caller(REDIS_URL=as_user("auth", watched.url), **shared)
    async with Stack(mailers=0, caller=caller) as stack:
        settings = {
            **caller,
            "DATABASE_URL": stack.environment["DATABASE_URL"],
            "REDIS_URL": as_user("mailer", watched.url),
            "PUBLIC_URL": stack.environment["AUTH_URL"],
            "MAILER_SMTP_URL": stack.environment["SMTP_URL"],
            "MAILER_FROM": "Porter <porter@example.org>",
            "MAILER_PORT": str(free_port()),
        }
        command = (sys.executable, "-m", "mailer_service.cli", "run")
        program = Program(name="mailer", command=command, folder=folder, environment=settings)
        mailer = Replica(program, started=b'"mailer_started"')
        try:
            await mailer.start()
            yield stack
        finally:
            await mailer.end()


async def _live(
    environment: Mapping[str, str], number: int, stopping: asyncio.Event, rounds: list[int]
) -> None:
    """Sign in and out again and again; whatever is not answered as it should be raises."""
    address = f"person-{number}-{secrets.token_hex(3)}@example.org"
    async with Visitor.to(environment, address) as visitor:
        expect(await visitor.register(), 202, "a registration")
        expect(await visitor.verify(await visitor.code(within=MAIL_WITHIN_SECONDS)), 200, "a code")
        asked = 1
        while not stopping.is_set():
            expect(await visitor.me(), 200, "a look at oneself")
            expect(await visitor.sign_out(), 204, "a sign-out")
            expect(await visitor.ask_for_code(), 202, "a request for a code")
            asked += 1
            expect(await visitor.verify(await visitor.code(within=MAIL_WITHIN_SECONDS)), 200, "a code")
            rounds[number] += 1
        codes = [mail for mail in await visitor.mails() if "code" in mail["Subject"]]
        assert len(codes) == asked


async def _refused_by(node: Node) -> list[str]:
    async with Redis.from_url(node.url) as redis:
        return await refused(redis)
