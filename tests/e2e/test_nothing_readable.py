"""Whoever copies Redis, Postgres or the logs can read no code, and Redis and the logs name nobody."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts.codec import decode
from contracts.streams import ACCOUNTS, LOGIN
from devstack.stack import ADMIN_EMAIL, Stack
from devstack.visitor import APPROVAL_MAIL, Visitor, expect
from tests.support.stacks import own_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "secretive@example.org"
NAME = "Sophie Secretive"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Lend a stack with the longest codes: no time or port is taken for one by chance."""
    async with own_stack(AUTH_CODE_DIGITS="8") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def codes(stack: Stack) -> list[str]:
    """Register, be approved, sign in and out: every kind of event and mail that there is; gives the codes."""
    async with (
        Visitor.to(stack.environment, ADDRESS, name=NAME) as sophie,
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
        Visitor.to(stack.environment, "stranger@example.org") as stranger,
    ):
        expect(await sophie.register(), 202, "a registration")
        first = await sophie.code()
        expect(await sophie.verify(first), 403, "the right code")
        await admin.sign_in()
        (user,) = expect(await admin.users("pending"), 200, "who waits")["users"]
        expect(await admin.approve(user["id"]), 200, "an approval")
        await sophie.mail(APPROVAL_MAIL)
        expect(await stranger.ask_for_code(), 202, "a stranger's request")
        expect(await sophie.ask_for_code(), 202, "a request for a code")
        second = await sophie.code()
        expect(await sophie.verify(second), 200, "the right code")
        expect(await sophie.sign_out(), 204, "a sign-out")
        assert {len(first), len(second)} == {8}
        return [first, second]


async def test_the_streams_are_readable_events_without_a_code_or_an_address(
    stack: Stack, codes: list[str]
) -> None:
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        entries = [
            cast("dict[bytes, bytes]", fields)
            for stream in (LOGIN, ACCOUNTS)
            for _, fields in await redis.xrange(stream.key) or []
        ]
    events = [decode(fields) for fields in entries]
    assert {event.type.removeprefix("porter.auth.") for event in events} == {
        "otp_requested.v1",
        "unknown_address_challenged.v1",
        "user_registered.v1",
        "account_approved.v1",
    }
    for fields in entries:
        assert fields[b"specversion"] == b"1.0"
        assert "sealed" in json.loads(fields[b"data"])
    assert_unreadable(
        b"\n".join(value for fields in entries for value in fields.values()), codes, "the streams"
    )


async def test_nothing_in_redis_names_a_code_or_a_person(stack: Stack, codes: list[str]) -> None:
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        dumped = [key + (await redis.dump(key) or b"") async for key in redis.scan_iter()]
        assert dumped
    assert_unreadable(b"\n".join(dumped), codes, "a dump of all keys")
    aof = b"".join(path.read_bytes() for path in (stack.folder / "redis").rglob("*") if path.is_file())
    assert LOGIN.key.encode() in aof
    assert_unreadable(aof, codes, "the append-only file")


async def test_no_code_is_in_any_column_of_postgres(stack: Stack, codes: list[str]) -> None:
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('auth', 'mailer')"
        )
        rows = {
            table["name"]: await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t")  # noqa: S608 - names that Postgres quoted
            for table in tables
        }
    finally:
        await connection.close()
    assert any(ADDRESS in row["row"] for row in rows["auth.users"]), "the scan sees what is there"
    for name, found in rows.items():
        for code in codes:
            assert not [row for row in found if in_clear(code, row["row"])], f"{name} has a code in clear"


async def test_no_log_names_a_code_or_a_person(stack: Stack, codes: list[str]) -> None:
    logs = await asyncio.to_thread(
        lambda: {path: path.read_bytes() for path in (stack.folder / "logs").iterdir()}
    )
    assert {Path(path).stem for path in logs} >= {"auth-1", "mailer-1", "postgres", "redis"}
    for path, content in logs.items():
        assert_unreadable(content, codes, path.name)


def in_clear(code: str, content: str) -> bool:
    """Tell whether a code stands there by itself; eight digits within a longer number are none."""
    return re.search(rf"(?<!\d){code}(?!\d)", content) is not None


def assert_unreadable(content: bytes, codes: list[str], where: str) -> None:
    text = content.decode(errors="replace")
    for person in (ADDRESS, NAME, "stranger@example.org", ADMIN_EMAIL):
        assert person not in text, f"{person} can be read in {where}"
    for code in codes:
        assert not in_clear(code, text), f"{code} can be read in {where}"
