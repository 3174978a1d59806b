"""Entries with two crashes behind them: read one at a time, and buried at the third."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from contracts import codec
from contracts.events import LoginEvent
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.outcomes import Done, Outcome
from tests.support.consumers import LANE, Desk, Running, fact, running
from tests.support.cutting_proxy import CuttingProxy
from tests.support.lane_contents import lane_contents
from tests.support.shared_lane import only_letter, quiet, signs_of_life
from tests.support.waiting import until


async def suspect(redis: Redis) -> None:
    """Let an entry wait that has two crashes behind it."""
    entry: dict[Any, Any] = {**codec.encode(fact()), "crashes": "2"}
    await redis.xadd(LANE.suspects, entry)


async def test_a_suspect_that_waits_at_the_start_is_handled(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    await suspect(redis)
    consumer = Running(redis_url, desk)
    await consumer.consumer.prepare()
    await signs_of_life(redis, 2)  # time for rounds that could take it before the broker handles anything
    assert (await lane_contents(redis, LANE)).pending[LANE.suspects] == {}
    await consumer.broker.start()
    await until(lambda: desk.finished, within=5)
    await until(lambda: quiet(redis), within=5)
    await consumer.stop()
    assert [entry.key for entry in desk.entries] == [LANE.suspects]


async def test_what_is_being_taken_is_not_handed_back_meanwhile(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.consumer.prepare()
    await suspect(redis)
    reader = consumer.consumer.readers[LANE.name]
    async with reader.taking:  # as while a suspect, or a poisonous entry, comes into hand
        await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.suspects: ">"})
        handing_back = asyncio.create_task(reader.hand_back_strays())
        await until(lambda: consumer.consumer.life.may_reclaim, within=5)
        reclaiming = asyncio.create_task(consumer.consumer._upkeep[0].reclaim())
        await signs_of_life(redis, 1)
        assert not handing_back.done()
        assert not reclaiming.done()
        assert len((await lane_contents(redis, LANE)).pending[LANE.suspects]) == 1
    await handing_back
    await reclaiming
    assert (await lane_contents(redis, LANE)).pending[LANE.suspects] == {}
    await consumer.stop()


async def test_suspects_are_taken_one_at_a_time(redis_url: str, redis: Redis) -> None:
    at_once = most = 0

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        pending = (await lane_contents(redis, LANE)).pending[LANE.suspects]
        await signs_of_life(redis, 2)  # time for several rounds that could take another
        assert (await lane_contents(redis, LANE)).pending[LANE.suspects] == pending
        at_once -= 1
        return Done()

    desk = Desk(decide)
    for _ in range(3):
        await suspect(redis)
    async with running(redis_url, desk):
        await until(lambda: len(desk.finished) == 3, within=5)
    assert most == 1


async def test_a_poisonous_entry_is_registered_and_buried(redis_url: str, redis: Redis) -> None:
    await suspect(redis)
    await redis.xgroup_create(LANE.suspects, LANE.group, id="0")
    reply: Any = await redis.xreadgroup(LANE.group, "killed", {LANE.suspects: ">"})
    taken = reply[0][1][0][0]
    await redis.xclaim(LANE.suspects, LANE.group, "killed", 0, [taken], idle=60_000, justid=True)
    desk = Desk()
    async with running(redis_url, desk) as consumer:
        letter = await only_letter(redis)
        await until(lambda: quiet(redis), within=5)
        assert [letter.reason for _, letter in consumer.register] == ["poisonous"]
    assert (letter["reason"], letter["crashes"], desk.begun) == ("poisonous", "3", [])
    assert letter["error"] == "3 consumers died with it, the last was killed"


async def test_one_suspect_in_any_lane_is_enough(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    async with running(redis_url, desk) as consumer:
        alone = consumer.consumer.readers[LANE.name]._alone
        async with alone:  # as while another lane has a suspect in hand
            await suspect(redis)
            await signs_of_life(redis, 2)  # time for several rounds that could take it
            assert desk.begun == []
            assert (await lane_contents(redis, LANE)).pending[LANE.suspects] == {}
        await until(lambda: desk.finished, within=5)


async def test_a_suspect_whose_reply_was_cut_comes_back(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    async with CuttingProxy(redis_url) as proxy, running(redis_url, desk, reading_url=proxy.url):
        proxy.cut_at(b"crashes")
        await suspect(redis)
        await until(lambda: proxy.cuts, within=15)
        await until(lambda: desk.finished, within=15)
    assert desk.copies == 0


async def test_a_suspect_that_arrives_after_the_gate_was_shut_is_handed_back(
    redis_url: str, redis: Redis
) -> None:
    desk = Desk()
    consumer = Running(redis_url, desk)
    await consumer.start()
    reader = consumer.consumer.readers[LANE.name]
    async with reader.taking:  # the round is at the point where its reply is to come
        await suspect(redis)
        reading = asyncio.create_task(reader.read_suspect())
        await asyncio.sleep(0)
        consumer.consumer.gate.shut("smtp")
    await reading
    assert desk.begun == []

    async def is_back() -> bool:
        contents = await lane_contents(redis, LANE)
        return not contents.pending[LANE.suspects]

    await until(is_back, within=5)
    assert await redis.xlen(LANE.suspects) == 1
    consumer.consumer.gate.open("smtp")
    await until(lambda: desk.finished, within=5)
    await consumer.stop()
