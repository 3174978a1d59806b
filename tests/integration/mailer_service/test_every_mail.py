"""Every fact on its own stream, through a running mailer: who gets which mail, and who gets none."""

import json
from collections.abc import AsyncIterator, Iterable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts import codec
from contracts.events import AnyEvent
from contracts.streams import STREAMS
from devstack.ports import free_port
from mailer_service.consuming.backoff import LOGIN_BACKOFF
from mailer_service.consuming.lanes import Lane
from tests.support import commands
from tests.support.couriers import CODE, KEY, LedgerBook, unknown_address_challenged
from tests.support.inbox import Inbox
from tests.support.lane_contents import lane_contents
from tests.support.mailed_events import (
    LINK,
    MAILED,
    TOKEN,
    magic_link_requested,
    sessions_revoked,
    user_signed_in,
)
from tests.support.waiting import until

LANES = [Lane(stream, slots=1, backoff=LOGIN_BACKOFF) for stream in STREAMS]
SECRETS = (CODE, TOKEN, "ada@example.org", "countess@example.net", "grace@example.org")


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def settings(postgres_url: str, redis_url: str, inbox: Inbox) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SEALING_KEYS": KEY,
        "PUBLIC_URL": "https://login.porter.test",
        "MAILER_SMTP_URL": inbox.url,
        "MAILER_FROM": "Porter <porter@porter.test>",
        "MAILER_PORT": str(free_port()),
    }


async def publish(redis: Redis, events: Iterable[AnyEvent]) -> None:
    for event in events:
        entry: dict[Any, Any] = dict(codec.encode(event))
        await redis.xadd(event.stream.key, entry)


async def quiet(redis: Redis) -> bool:
    """Tell whether all is read and finished, in every lane."""
    return all([(await lane_contents(redis, lane)).is_quiet for lane in LANES])


async def dead(redis: Redis) -> list[dict[str, str]]:
    return [letter for lane in LANES for letter in (await lane_contents(redis, lane)).dead]


def words(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_every_mail_arrives_and_no_stream_is_left_unread(
    settings: dict[str, str], redis: Redis, inbox: Inbox, tmp_path: Path
) -> None:
    await publish(redis, [make() for make in MAILED.values()])
    async with commands.running("mailer_service.cli", "run", folder=tmp_path, settings=settings):
        mails = await inbox.wait_for(len(MAILED), within=30)
        await until(lambda: quiet(redis), within=10)

    assert len(mails) == len({mail["Subject"] for mail in mails}) + 1  # the code's is the code and link's too
    assert await dead(redis) == []
    rows = await LedgerBook(settings["DATABASE_URL"]).rows()
    assert {row["state"] for row in rows} == {"sent"}
    assert {row["template"] for row in rows} == MAILED.keys() - {"otp_and_link"}
    assert {row["stream"] for row in rows} == {stream.name for stream in STREAMS}


async def test_a_link_arrives_whole_and_stands_nowhere_else(
    settings: dict[str, str], redis: Redis, inbox: Inbox, tmp_path: Path
) -> None:
    await publish(redis, [magic_link_requested()])
    async with commands.running("mailer_service.cli", "run", folder=tmp_path, settings=settings) as mailer:
        (mail,) = await inbox.wait_for(1, within=30)
        await until(lambda: quiet(redis), within=10)
        mailer.terminate()
        logs = b"".join(await mailer.communicate()).decode()

    assert words(mail).split().count(LINK) == 1
    assert '"mail_sent"' in logs
    rows = json.dumps([{**row} for row in await LedgerBook(settings["DATABASE_URL"]).rows()], default=str)
    assert TOKEN not in logs
    assert TOKEN not in rows


async def test_who_is_signed_in_on_a_known_device_or_signed_out_gets_no_mail(
    settings: dict[str, str], redis: Redis, inbox: Inbox, tmp_path: Path
) -> None:
    await publish(redis, [user_signed_in(recipients=()), sessions_revoked(), unknown_address_challenged()])
    async with commands.running("mailer_service.cli", "run", folder=tmp_path, settings=settings):
        await until(lambda: _has_consumed(redis, 3), within=30)
        await until(lambda: quiet(redis), within=10)

    assert inbox.messages == []
    assert await dead(redis) == []
    (decoy,) = await LedgerBook(settings["DATABASE_URL"]).rows()
    assert decoy["state"] == "suppressed"


async def test_what_cannot_be_mailed_is_dead_with_nothing_readable_in_it(
    settings: dict[str, str], redis: Redis, inbox: Inbox, tmp_path: Path
) -> None:
    """Each event's box was sealed with a key that this mailer does not have."""
    await publish(redis, [make() for make in MAILED.values()])
    strange = settings | {"SEALING_KEYS": "q0mFZq1jHqcG5zY0n2xw3Vb8kQd7LrTsUuPaXe9ItJo="}
    async with commands.running("mailer_service.cli", "run", folder=tmp_path, settings=strange) as mailer:
        await until(lambda: _has_buried(redis, len(MAILED)), within=30)
        mailer.terminate()
        logs = b"".join(await mailer.communicate()).decode()

    letters = await dead(redis)
    assert {letter["reason"] for letter in letters} == {"box_unopenable"}
    rows = await LedgerBook(settings["DATABASE_URL"]).rows()
    assert {row["state"] for row in rows} == {"dead"}
    told = logs + json.dumps(letters) + json.dumps([{**row} for row in rows], default=str)
    assert [secret for secret in SECRETS if secret in told] == []
    assert inbox.messages == []


async def _has_consumed(redis: Redis, count: int) -> bool:
    """Tell whether the group has read so many facts, over all lanes."""
    read = 0
    for lane in LANES:
        for group in await redis.xinfo_groups(lane.facts) if await redis.exists(lane.facts) else ():
            read += len(await redis.xrange(lane.facts, "-", group["last-delivered-id"]) or ())
    return read == count


async def _has_buried(redis: Redis, count: int) -> bool:
    return len(await dead(redis)) == count
