"""The server dies and comes back on its data, or refuses to be written to for a while."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from structlog.testing import capture_logs

from contracts.events import LoginEvent
from devstack.ports import free_port
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.outcomes import Done, Outcome
from tests.support.consumers import LANE, Desk, Running, plain_client, publish, running
from tests.support.lane_contents import lane_contents
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.shared_lane import quiet, signs_of_life
from tests.support.waiting import until

SOON_SECONDS = 15.0


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    """Lend a server that nobody else uses."""
    with own_redis(request.param, tmp_path) as lent:
        yield lent


@pytest_asyncio.fixture
async def redis(server: OwnRedis) -> AsyncIterator[Redis]:
    """Lend a client of it."""
    client = plain_client(server.url)
    yield client
    await client.aclose()


async def restart(server: OwnRedis, redis: Redis) -> None:
    """Kill the server and start it on its data; the test's own client connects anew."""
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await redis.connection_pool.disconnect()


async def test_a_server_killed_and_restarted_on_its_data_loses_nothing(
    server: OwnRedis, redis: Redis
) -> None:
    restarted = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        await restarted.wait()
        return Done()

    desk = Desk(decide)
    published = await publish(redis, 30)
    with capture_logs() as lines:
        async with running(server.url, desk):
            await until(lambda: len(desk.begun) == LANE.slots, within=SOON_SECONDS)
            await restart(server, redis)
            await signs_of_life(redis, 2)
            restarted.set()
            published += await publish(redis, 5)
            await until(lambda: set(published) <= set(desk.finished), within=SOON_SECONDS)
            await until(lambda: quiet(redis), within=SOON_SECONDS)
    assert desk.copies == 0
    assert [line["event"] for line in lines if line["event"].startswith("reading_")] in (
        ["reading_failed", "reading_resumed"],
        [],  # all slots were full, so nothing was read meanwhile
    )


async def test_what_pends_survives_the_restart_and_is_reclaimed(server: OwnRedis, redis: Redis) -> None:
    desk = Desk()
    published = await publish(redis, 5)
    consumer = Running(server.url, desk)
    await consumer.consumer.prepare()
    await redis.xreadgroup(LANE.group, "a dead one", {LANE.facts: ">"}, count=2)
    await restart(server, redis)
    await consumer.broker.start()
    await until(lambda: set(desk.finished) == set(published), within=SOON_SECONDS)
    await consumer.stop()
    assert desk.copies == 0
    assert sorted(entry.crashes for entry in desk.entries) == [0, 0, 0, 1, 1]


async def test_a_server_that_is_away_at_the_start_is_waited_for(server: OwnRedis, redis: Redis) -> None:
    published = await publish(redis, 3)
    server.kill()
    await redis.connection_pool.disconnect()
    desk = Desk()
    consumer = Running(server.url, desk)
    chances = 0

    def chance() -> float:
        nonlocal chances
        chances += 1  # asked for at each failure
        return 0.5

    consumer.consumer._chance = chance
    with capture_logs() as lines:
        starting = asyncio.create_task(consumer.start())
        await until(lambda: chances > 2, within=SOON_SECONDS)
        await asyncio.to_thread(server.start)
        await starting
    await until(lambda: set(desk.finished) == set(published), within=SOON_SECONDS)
    await consumer.stop()
    assert [line["event"] for line in lines] == ["redis_awaited"]


async def test_a_server_that_takes_no_writes_is_waited_for(server: OwnRedis, redis: Redis) -> None:
    demoted = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        await demoted.wait()
        return Done()

    desk = Desk(decide)
    published = await publish(redis, 3)
    async with running(server.url, desk) as consumer:
        await until(lambda: len(desk.begun) == 3, within=SOON_SECONDS)
        await redis.replicaof("127.0.0.1", free_port())
        with capture_logs() as lines:
            demoted.set()
            await until(lambda: consumer.reader_failures > 3, within=SOON_SECONDS)
            await until(lambda: "settling_failed" in [line["event"] for line in lines], within=SOON_SECONDS)
        # Nothing is acknowledged, and nothing taken for acknowledged.
        pending = (await lane_contents(redis, LANE)).pending
        assert len(pending[LANE.facts]) == 3
        assert len(consumer.consumer.readers[LANE.name].hands) == 3
        await redis.replicaof("NO", "ONE")
        published += await publish(redis, 2)
        await until(lambda: set(desk.finished) == set(published), within=SOON_SECONDS)
        await until(lambda: quiet(redis), within=SOON_SECONDS)
    assert desk.copies == 0


async def test_a_consumer_stops_without_its_server(server: OwnRedis, redis: Redis) -> None:
    desk = Desk()
    await publish(redis)
    consumer = Running(server.url, desk)
    await consumer.start()
    await until(lambda: desk.finished, within=SOON_SECONDS)
    await until(lambda: not len(consumer.consumer.readers[LANE.name].hands), within=SOON_SECONDS)
    await asyncio.to_thread(server.kill)
    with capture_logs() as lines:
        await consumer.stop()
    assert "hand_back_failed" in [line["event"] for line in lines]
