"""Whoever copies Redis, Postgres, logs or traces can read no secret, and only Postgres names anybody."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth_service.model.peppers import new_pepper
from contracts.codec import decode
from contracts.events import EVENT_TYPES
from contracts.sealing import new_key
from contracts.streams import LOGIN, STREAMS
from devstack.stack import ADMIN_EMAIL, Stack
from tests.e2e import full_run
from tests.e2e.full_run import FullRun, Outdoors, Secrets, outdoors
from tests.support.no_limits import NO_LIMITS
from tests.support.stacks import own_stack
from tests.support.trace_receiver import TraceReceiver, trace_receiver
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {"SEALING_KEYS": new_key(), "AUTH_PEPPERS": new_pepper()}
# The longest codes: no time or port is taken for one by chance.
RULES = {"AUTH_CODE_DIGITS": "8", "LOGIN_METHOD": "otp_and_link", "AUTH_RESEND_COOLDOWN": "1"}
ADDRESSES = (
    *(full_run.ADDRESS, full_run.NEW_ADDRESS, full_run.GUEST, full_run.UNWANTED, full_run.STRANGER),
    ADMIN_EMAIL,
)
SAID = (full_run.NAME, full_run.REASON)
NAMED = {"auth.users", "auth.challenges"}
"""Where Postgres may name people: an account, and who has asked to have one or to move."""
LEDGER = "mailer.deliveries"
"""Where Postgres may tell an address besides, for it tells which mail went where."""


@pytest.fixture(scope="module")
def traces() -> Iterator[TraceReceiver]:
    with trace_receiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(traces: TraceReceiver) -> AsyncIterator[Stack]:
    async with own_stack(**KEYS, **RULES, OTEL_EXPORTER_OTLP_ENDPOINT=traces.url) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secrets(stack: Stack, traces: TraceReceiver) -> Secrets:
    """Let everything happen that can; gives every secret that anyone was told, once all mail is out."""
    heard, log = Secrets(), stack.folder / "logs" / "auth-2.log"
    settings = {**KEYS, **RULES, **NO_LIMITS, "LOG_FORMAT": "json"}
    settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = traces.url
    with outdoors(stack, settings, log) as url:
        browser, run = Outdoors(url, heard), FullRun(stack.environment, heard)
        try:
            await run.take(browser)
            await until(lambda: _is_quiet(stack), within=30)
        finally:
            await run.close()
            await browser.close()
    for mail in await _mails(stack):
        heard.read(mail)
    assert heard.kinds >= {"link", "binding", "token", "device", "__Host-porter_session"}
    assert heard.kinds >= {"__Host-porter_binding", "__Host-porter_device", "__Secure-porter_access"}
    assert len(heard.codes) >= 6
    assert {len(code) for code in heard.codes} == {8}
    heard.tokens.update(KEYS.values())
    return heard


async def test_the_streams_are_readable_events_of_every_kind_without_a_secret_or_a_person(
    stack: Stack, secrets: Secrets
) -> None:
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        entries = [
            cast("dict[bytes, bytes]", fields)
            for stream in STREAMS
            for _, fields in await redis.xrange(stream.key) or []
        ]
    assert {decode(fields).type for fields in entries} == {event.type_name() for event in EVENT_TYPES}
    for fields in entries:
        assert fields[b"specversion"] == b"1.0"
        assert "sealed" in json.loads(fields[b"data"])
    _assert_unreadable(b"\n".join(v for fields in entries for v in fields.values()), secrets, "the streams")


async def test_nothing_in_redis_names_a_secret_or_a_person(stack: Stack, secrets: Secrets) -> None:
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        keys = [key async for key in redis.scan_iter()]
        dumped = [key + (await redis.dump(key) or b"") for key in keys]
        read = [key + repr(await _read(redis, key)).encode() for key in keys]
    assert LOGIN.key.encode() in keys
    _assert_unreadable(b"\n".join([*dumped, *read]), secrets, "a dump of all keys")
    aof = b"".join(path.read_bytes() for path in (stack.folder / "redis").rglob("*") if path.is_file())
    assert LOGIN.key.encode() in aof
    _assert_unreadable(aof, secrets, "the append-only file")


async def test_postgres_holds_no_secret_and_names_people_in_their_accounts_alone(
    stack: Stack, secrets: Secrets
) -> None:
    rows = await _rows(stack)
    assert ADMIN_EMAIL in rows["auth.users"], "the scan sees what is there"
    hashes = {hashlib.sha256(token.encode()).hexdigest() for token in secrets.tokens}
    assert any(each in rows["auth.sessions"] for each in hashes), "the secrets are those of this database"
    assert rows.keys() >= {"auth.outbox", "auth.audit_events", "auth.sessions", "mailer.deliveries"}
    for table, text in rows.items():
        _assert_no_secret(text, secrets, table)
        if table not in NAMED:
            _assert_nobody(text, table, () if table == LEDGER else ADDRESSES)


async def test_no_log_names_a_secret_or_a_person(stack: Stack, secrets: Secrets) -> None:
    logs = await asyncio.to_thread(
        lambda: {path: path.read_bytes() for path in (stack.folder / "logs").iterdir()}
    )
    assert {Path(path).stem for path in logs} >= {"auth-1", "auth-2", "mailer-1", "postgres", "redis"}
    for path, content in logs.items():
        assert content or path.stem not in {"auth-1", "auth-2", "mailer-1"}, path.name
        _assert_unreadable(content, secrets, path.name)


async def test_no_trace_names_a_secret_or_a_person(secrets: Secrets, traces: TraceReceiver) -> None:
    def told() -> set[str]:
        return {str(span.attributes.get("cloudevents.event_type")) for span in traces.spans}

    await until(lambda: told() >= {event.type_name() for event in EVENT_TYPES}, within=15)
    names = {span.name for span in traces.spans}
    assert names >= {"POST /v1/login/links/consume", "GET /v1/sessions/verify", "smtp", "render", "record"}
    _assert_unreadable(b"\n".join(traces.bodies), secrets, "the traces")


async def _is_quiet(stack: Stack) -> bool:
    """Tell whether every event is published and every mail has ended."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        left = await connection.fetchval("SELECT count(*) FROM auth.outbox WHERE published_at IS NULL")
    finally:
        await connection.close()
    async with Redis.from_url(stack.environment["REDIS_URL"], decode_responses=True) as redis:
        groups: list[dict[str, Any]] = [
            group for stream in STREAMS for group in cast("list[Any]", await redis.xinfo_groups(stream.key))
        ]
    return left == 0 and all(group["lag"] == 0 and group["pending"] == 0 for group in groups)


async def _mails(stack: Stack) -> list[str]:
    """Read every mail in the inbox, whoever it is to."""
    async with httpx.AsyncClient(base_url=stack.environment["INBOX_URL"], trust_env=False) as inbox:
        listed = (await inbox.get("/api/v1/messages", params={"limit": 500})).json()["messages"]
        return [(await inbox.get(f"/api/v1/message/{mail['ID']}")).json()["Text"] for mail in listed]


async def _read(redis: Redis, key: bytes) -> object:
    """Read a key in clear: a dump packs long values."""
    kind = cast("bytes", await redis.type(key)).decode()
    readers: dict[str, Any] = {
        "stream": redis.xrange,
        "hash": redis.hgetall,
        "string": redis.get,
        "set": redis.smembers,
        "list": lambda name: redis.lrange(name, 0, -1),
        "zset": lambda name: redis.zrange(name, 0, -1),
    }
    return await readers[kind](key)


async def _rows(stack: Stack) -> dict[str, str]:
    """Read every table of both services as text."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('auth', 'mailer')"
        )
        found = {}
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t")  # noqa: S608 - names that Postgres quoted
            found[table["name"]] = "\n".join(row["row"] for row in rows)
        return found
    finally:
        await connection.close()


def _assert_unreadable(content: bytes, secrets: Secrets, where: str) -> None:
    text = content.decode(errors="replace")
    _assert_nobody(text, where)
    _assert_no_secret(text, secrets, where)


def _assert_nobody(text: str, where: str, addresses: Iterable[str] = ADDRESSES) -> None:
    for told in (*SAID, *addresses):
        assert told.lower() not in text.lower(), f"{told} is to be read in {where}"


def _assert_no_secret(text: str, secrets: Secrets, where: str) -> None:
    for code in secrets.codes:  # eight digits within a longer number are none
        assert not re.search(rf"(?<!\d){code}(?!\d)", text), f"a code is to be read in {where}"
        assert code.encode().hex() not in text, f"a code is to be read in {where}"
    for token in secrets.tokens:
        for spelled in _spelled(token):
            assert spelled not in text, f"a token is to be read in {where}"


def _spelled(token: str) -> Iterable[str]:
    """Spell a token or key as it is told, without the padding, and as Postgres shows bytes of either."""
    bare = token.rstrip("=")
    raw = base64.urlsafe_b64decode(f"{bare}==")
    return {bare, bare.encode().hex(), raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
