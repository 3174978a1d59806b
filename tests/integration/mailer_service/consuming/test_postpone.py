"""`postpone.lua`: an entry that is mine waits in the delayed set, whole."""

from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import Transitions
from tests.integration.mailer_service.consuming.conftest import Read
from tests.support.consumers import publish
from tests.support.lane_contents import lane_contents

MINUTE = timedelta(minutes=1)


async def test_the_member_carries_the_whole_entry_and_its_notes(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    assert await ada.postpone(lane, entry, wait=MINUTE, notes={b"attempt": 2, b"first": entry.first_ms})
    contents = await lane_contents(redis, lane)
    event = {name.decode(): value.decode() for name, value in entry.fields.items()}
    assert contents.delayed == [event | {"attempt": "2", "first": str(entry.first_ms)}]
    assert contents.pending[lane.facts] == {}


async def test_it_is_due_after_its_wait_by_the_servers_clock(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    before = await _now_ms(redis)
    await ada.postpone(lane, entry, wait=MINUTE, notes={})
    waiting: Any = await redis.zrange(lane.delayed, 0, -1, withscores=True)
    ((_, due),) = waiting
    assert before + 60_000 <= due <= await _now_ms(redis) + 60_000


async def test_the_delayed_set_expires_by_itself(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await ada.postpone(lane, entry, wait=MINUTE, notes={})
    assert 60 < await redis.ttl(lane.delayed) <= 172_800


async def test_a_private_entry_leaves_its_stream(
    redis: Redis, lane: Lane, ada: Transitions, read: Read
) -> None:
    await redis.xadd(lane.retry, {"a": "b", "attempt": 2})
    (entry,) = await read("ada", lane.retry)
    assert await ada.postpone(lane, entry, wait=MINUTE, notes={b"attempt": 3})
    contents = await lane_contents(redis, lane)
    assert contents.retry == []
    assert contents.delayed == [{"a": "b", "attempt": "3"}]


async def test_what_is_not_mine_stays_where_it_is(
    redis: Redis, lane: Lane, ada: Transitions, bob: Transitions, read: Read
) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    before = await lane_contents(redis, lane)
    assert not await bob.postpone(lane, entry, wait=MINUTE, notes={})
    assert await lane_contents(redis, lane) == before
    assert await ada.postpone(lane, entry, wait=MINUTE, notes={b"attempt": 2})
    assert not await ada.postpone(lane, entry, wait=MINUTE, notes={b"attempt": 3})
    assert [fields["attempt"] for fields in (await lane_contents(redis, lane)).delayed] == ["2"]


async def test_what_redis_forgot_is_nobodys(redis: Redis, lane: Lane, ada: Transitions, read: Read) -> None:
    await publish(redis)
    (entry,) = await read("ada")
    await redis.flushdb()
    assert not await ada.postpone(lane, entry, wait=MINUTE, notes={})
    assert await redis.dbsize() == 0


@pytest.mark.parametrize(
    "value", [b"\xff\xfe raw", b'quote " and \\ back', b"\x00\x01\n\x7f", "ł é 漢 😀".encode(), b""]
)
async def test_every_byte_comes_back_as_it_was(
    redis: Redis, lane: Lane, ada: Transitions, read: Read, value: bytes
) -> None:
    await redis.xadd(lane.facts, {b"field \xf0": value})
    (entry,) = await read("ada")
    assert await ada.postpone(lane, entry, wait=timedelta(), notes={})
    assert await ada.promote(lane, limit=10) == 1
    (again,) = await read("ada", lane.retry)
    assert again.fields == {b"field \xf0": value}


async def _now_ms(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return int(seconds * 1000 + micros // 1000)
