"""Reading through faults: a group gone, a key of the wrong type, a connection cut; nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from contracts import codec
from contracts.events import LoginEvent
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.outcomes import Done, Outcome
from tests.support.consumers import LANE, Desk, Running, fact, publish, running
from tests.support.cutting_proxy import CuttingProxy
from tests.support.lane_contents import lane_contents
from tests.support.shared_lane import quiet
from tests.support.waiting import until

SOON_SECONDS = 15.0
"""Threefold what is promised: reading again within 5 s."""

Logs = list[MutableMapping[str, Any]]


@contextmanager
def changes() -> Iterator[list[str]]:
    """Gather the lines that tell of reading; complete when the block has ended."""
    told: list[str] = []
    lines: Logs
    with capture_logs() as lines:
        yield told
    about_reading = {"group_lost", "reading_failed", "reading_resumed"}
    told += [line["event"] for line in lines if line["event"] in about_reading]


@asynccontextmanager
async def reading(redis_url: str, redis: Redis, desk: Desk) -> AsyncIterator[Running]:
    """Run a consumer that has handled something and is blocked in its next read."""
    async with running(redis_url, desk) as consumer:
        await publish(redis)
        await until(lambda: desk.finished, within=SOON_SECONDS)
        await until(lambda: blocked(redis), within=SOON_SECONDS)
        yield consumer


async def blocked(redis: Redis) -> list[int]:
    """Name the connections that wait in XREADGROUP."""
    clients: Any = await redis.client_list()
    return [int(client["id"]) for client in clients if client["cmd"] == "xreadgroup"]


async def all_handled(desk: Desk, published: list[UUID]) -> None:
    await until(lambda: set(published) <= set(desk.finished), within=SOON_SECONDS)


async def test_a_destroyed_group_comes_back(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    with changes() as told:
        async with reading(redis_url, redis, desk):
            await redis.xgroup_destroy(LANE.facts, LANE.group)
            await all_handled(desk, await publish(redis, 5))
    assert told == ["group_lost", "reading_resumed"]


async def test_a_deleted_stream_comes_back(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    with changes() as told:
        async with reading(redis_url, redis, desk):
            await redis.delete(LANE.facts)
            await all_handled(desk, await publish(redis, 5))
    assert told == ["group_lost", "reading_resumed"]
    assert desk.copies == 0


async def test_a_flushed_redis_is_read_on(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    with changes() as told:
        async with reading(redis_url, redis, desk):
            await redis.flushall()
            await all_handled(desk, await publish(redis, 5))
            await until(lambda: redis.exists(LANE.alive), within=SOON_SECONDS)
    assert told == ["group_lost", "reading_resumed"]
    assert desk.copies == 0


async def test_what_was_in_hand_when_redis_forgot_it_is_finished_in_peace(
    redis_url: str, redis: Redis
) -> None:
    forgotten = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        await forgotten.wait()
        return Done()

    desk = Desk(decide)
    published = await publish(redis, 3)
    async with running(redis_url, desk):
        await until(lambda: len(desk.begun) == 3, within=SOON_SECONDS)
        await redis.flushall()
        forgotten.set()
        await all_handled(desk, published)
        await all_handled(desk, await publish(redis))
    assert desk.copies == 0


async def test_a_key_of_the_wrong_type_is_waited_for(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    with changes() as told:
        async with reading(redis_url, redis, desk) as consumer:
            async with redis.pipeline(transaction=True) as batch:
                batch.delete(LANE.facts)
                batch.set(LANE.facts, "no stream", ex=60)
                await batch.execute()
            await until(lambda: consumer.reader_failures > 2, within=SOON_SECONDS)
            await redis.delete(LANE.facts)
            await all_handled(desk, await publish(redis, 5))
    assert told[-1] == "reading_resumed"
    assert len(told) == 2
    assert desk.copies == 0


async def test_a_killed_connection_is_made_anew(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    with changes() as told:
        async with reading(redis_url, redis, desk):
            for connection in await until(lambda: blocked(redis), within=SOON_SECONDS):
                await redis.client_kill_filter(_id=str(connection))
            await all_handled(desk, await publish(redis, 5))
    assert told == ["reading_failed", "reading_resumed"]
    assert desk.copies == 0


async def test_what_a_cut_reply_delivered_is_handed_back_and_handled(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    async with CuttingProxy(redis_url) as proxy:
        with changes() as told:
            async with running(redis_url, desk, reading_url=proxy.url):
                events = [fact() for _ in range(6)]
                proxy.cut_at(str(events[2].id).encode())
                async with redis.pipeline(transaction=True) as batch:
                    for event in events:
                        entry: dict[Any, Any] = dict(codec.encode(event))
                        batch.xadd(LANE.facts, entry)
                    await batch.execute()
                await all_handled(desk, [event.id for event in events])
                await until(lambda: quiet(redis), within=SOON_SECONDS)
        assert proxy.cuts == 1
    assert told == ["reading_failed", "reading_resumed"]
    assert desk.copies == 0
    assert {(entry.attempt, entry.crashes) for entry in desk.entries} == {(1, 0)}


async def test_what_is_in_hand_when_the_connection_is_cut_stays_in_hand(redis_url: str, redis: Redis) -> None:
    release = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        await release.wait()
        return Done()

    desk = Desk(decide)
    async with CuttingProxy(redis_url) as proxy:
        async with running(redis_url, desk, reading_url=proxy.url):
            (first,) = await publish(redis)
            await until(lambda: desk.begun, within=SOON_SECONDS)
            event = fact()
            proxy.cut_at(str(event.id).encode())
            entry: dict[Any, Any] = dict(codec.encode(event))
            await redis.xadd(LANE.facts, entry)
            await until(lambda: len(desk.begun) == 2, within=SOON_SECONDS)
            release.set()
            await all_handled(desk, [first, event.id])
        assert proxy.cuts == 1
    assert desk.begun == [first, event.id]


async def test_strays_are_handed_back_while_reading_is_paused(redis_url: str, redis: Redis) -> None:
    async with running(redis_url, Desk()) as consumer:
        consumer.consumer.gate.shut("test")
        reader = consumer.consumer.readers[LANE.name]
        await reader.come_to_rest()
        await publish(redis, 2)
        await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.facts: ">"})
        reader._strays = True
        await until(lambda: redis.xlen(LANE.retry), within=SOON_SECONDS)
        contents = await lane_contents(redis, LANE)
        assert len(contents.waiting[LANE.retry]) == 2
        assert contents.pending[LANE.facts] == {}


async def test_strays_that_no_fault_told_of_are_found_all_the_same(redis_url: str, redis: Redis) -> None:
    """A Redis that came back without an acknowledgement between two reads: no read failed."""
    desk = Desk()
    async with running(redis_url, desk) as consumer:
        consumer.consumer.gate.shut("test")
        await consumer.consumer.readers[LANE.name].come_to_rest()
        published = await publish(redis, 2)
        await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.facts: ">"})
        consumer.consumer.gate.open("test")
        await all_handled(desk, published)
        await until(lambda: quiet(redis), within=SOON_SECONDS)


async def test_settling_waits_for_redis(redis_url: str, redis: Redis) -> None:
    """The moving connections are cut while an entry is settled: it is settled all the same, once."""
    desk = Desk()
    async with CuttingProxy(redis_url) as proxy, running(proxy.url, desk):
        published = await publish(redis, 3)
        await all_handled(desk, published)
        with capture_logs() as lines:
            proxy.cut_at(b":1\r\n")  # what `done` answers
            published = await publish(redis)
            await all_handled(desk, published)
            await until(lambda: proxy.cuts, within=SOON_SECONDS)
            await until(lambda: quiet(redis), within=SOON_SECONDS)
    assert desk.copies == 0
    assert all(line["event"] != "entry_lost" for line in lines)


@pytest.mark.parametrize("key", [LANE.alive, LANE.delayed])
async def test_reading_ends_no_round_for_good(redis_url: str, redis: Redis, key: str) -> None:
    """A set of the wrong type stops what needs it, until it is mended, and nothing else for ever."""
    desk = Desk()
    async with reading(redis_url, redis, desk):
        async with redis.pipeline(transaction=True) as batch:
            batch.delete(key)
            batch.set(key, "no set", ex=60)
            await batch.execute()
        await publish(redis, 2)
        await redis.delete(key)
        await all_handled(desk, await publish(redis, 2))
        await until(lambda: redis.exists(LANE.alive), within=SOON_SECONDS)
