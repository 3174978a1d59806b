"""Shutdown: what is in hand is finished, the rest is handed back, and nothing is begun any more."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from redis.asyncio import Redis
from structlog.testing import capture_logs

from contracts.events import LoginEvent
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.metrics import smtp_pause
from mailer_service.consuming.outcomes import Done, Left, Outcome, RetryLater
from tests.support.consumers import BRISK, LANE, Desk, Running, publish
from tests.support.lane_contents import lane_contents
from tests.support.waiting import until

SOON_SECONDS = 10.0


class Held:
    """A decision that waits until the test lets it go; it may have begun what cannot be taken back."""

    def __init__(self, *, irrevocable: bool) -> None:
        self.go = asyncio.Event()
        self.irrevocable = irrevocable
        self.refused = 0
        self.consumer: Running | None = None

    async def __call__(self, _event: LoginEvent, held: InHand) -> Outcome:
        assert self.consumer is not None
        if self.irrevocable and not self.consumer.consumer.begin(held):
            self.refused += 1
            return Left("not_begun")
        await self.go.wait()
        return Done()


async def busy(url: str, redis: Redis, decision: Held, desk: Desk, *, count: int) -> Running:
    """Start a consumer that has `count` entries in hand."""
    consumer = Running(url, desk)
    decision.consumer = consumer
    await consumer.start()
    await publish(redis, count)
    await until(lambda: len(desk.begun) == count, within=SOON_SECONDS)
    return consumer


async def test_what_is_in_hand_is_finished(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=False)
    desk = Desk(decision)
    consumer = await busy(redis_url, redis, decision, desk, count=4)
    stopping = asyncio.create_task(consumer.stop())
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    await consumer.consumer.readers[LANE.name].come_to_rest()
    late = await publish(redis)
    decision.go.set()
    await stopping
    assert len(desk.finished) == 4
    contents = await lane_contents(redis, LANE)
    assert contents.pending[LANE.facts] == {}
    assert contents.retry == []
    assert [fields["id"] for fields in contents.waiting[LANE.facts]] == [str(late[0])]


async def test_it_leaves_the_living(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.start()
    assert await redis.zrange(LANE.alive, 0, -1) == [consumer.consumer.name.encode()]
    await consumer.stop()
    assert await redis.zrange(LANE.alive, 0, -1) == []


async def test_life_goes_on_while_the_last_entries_are_finished(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=False)
    consumer = await busy(redis_url, redis, decision, Desk(decision), count=1)
    stopping = asyncio.create_task(consumer.stop())
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    then = await redis.zscore(LANE.alive, consumer.consumer.name)
    assert then is not None

    async def is_renewed() -> bool:
        return (await redis.zscore(LANE.alive, consumer.consumer.name) or 0) > then

    await until(is_renewed, within=SOON_SECONDS)
    decision.go.set()
    await stopping


async def test_it_is_alive_while_it_drains(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=False)
    consumer = await busy(redis_url, redis, decision, Desk(decision), count=1)
    stopping = asyncio.create_task(consumer.stop())
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    consumer.consumer.readers[LANE.name]._turned_at = float("-inf")
    assert consumer.consumer.is_alive
    decision.go.set()
    await stopping


async def test_what_pends_but_is_not_in_hand_is_handed_back(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.start()
    consumer.consumer.gate.shut("test")
    await consumer.consumer.readers[LANE.name].come_to_rest()
    published = await publish(redis, 3)
    await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.facts: ">"})
    await consumer.stop()
    contents = await lane_contents(redis, LANE)
    assert contents.pending[LANE.facts] == {}
    assert [fields["id"] for fields in contents.waiting[LANE.retry]] == [str(id_) for id_ in published]


async def test_what_a_blocked_read_brings_after_the_gate_was_shut_is_handed_back(
    redis_url: str, redis: Redis
) -> None:
    desk = Desk()
    consumer = Running(redis_url, desk, pace=replace(BRISK, block=timedelta(seconds=1)))
    await consumer.start()

    async def is_blocked() -> bool:
        clients = await redis.client_list()
        return any(client["cmd"] == "xreadgroup" for client in clients)

    await until(is_blocked, within=SOON_SECONDS)
    stopping = asyncio.create_task(consumer.stop())
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    (event_id,) = await publish(redis)
    await stopping
    assert desk.begun == []
    contents = await lane_contents(redis, LANE)
    assert not any(contents.pending.values())
    waiting = contents.waiting[LANE.retry] + contents.waiting[LANE.facts]
    assert [fields["id"] for fields in waiting] == [str(event_id)]


async def test_a_second_signal_hands_back_what_has_not_begun(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=False)
    desk = Desk(decision)
    consumer = await busy(redis_url, redis, decision, desk, count=4)
    stopping = asyncio.create_task(consumer.stop())
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    consumer.consumer.hurry()
    await stopping
    assert desk.finished == []
    contents = await lane_contents(redis, LANE)
    assert not any(contents.pending.values())
    assert sorted(fields["id"] for fields in contents.retry) == sorted(str(id_) for id_ in desk.begun)


async def test_a_second_signal_waits_for_what_cannot_be_taken_back(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=True)
    desk = Desk(decision)
    consumer = await busy(redis_url, redis, decision, desk, count=4)
    stopping = asyncio.create_task(consumer.stop())
    consumer.consumer.hurry()
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    assert not stopping.done()
    decision.go.set()
    await stopping
    assert len(desk.finished) == 4
    contents = await lane_contents(redis, LANE)
    assert not any(contents.pending.values())
    assert contents.retry == []


async def test_a_second_signal_with_nothing_in_hand_ends_at_once(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.start()
    await consumer.consumer._let_go(within=timedelta(seconds=5))
    consumer.consumer.hurry()
    await consumer.stop()
    assert await redis.zrange(LANE.alive, 0, -1) == []


async def test_nothing_irrevocable_begins_in_a_hurry(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=True)
    desk = Desk(decision)
    consumer = Running(redis_url, desk)
    decision.consumer = consumer
    await consumer.start()
    consumer.consumer.hurry()
    await publish(redis)
    await until(lambda: decision.refused, within=SOON_SECONDS)
    await consumer.stop()
    contents = await lane_contents(redis, LANE)
    assert len(contents.waiting[LANE.retry]) == 1


async def test_the_drain_is_bounded(redis_url: str, redis: Redis) -> None:
    decision = Held(irrevocable=False)
    desk = Desk(decision)
    consumer = Running(redis_url, desk, pace=replace(BRISK, drain_for=timedelta(milliseconds=200)))
    decision.consumer = consumer
    await consumer.start()
    await publish(redis, 2)
    await until(lambda: len(desk.begun) == 2, within=SOON_SECONDS)
    with capture_logs() as lines:
        await consumer.stop()
    assert "drain_cut_short" in [line["event"] for line in lines]
    contents = await lane_contents(redis, LANE)
    assert not any(contents.pending.values())
    assert len(contents.retry) == 2


async def test_what_cannot_be_answered_in_time_keeps_its_owners_name(redis_url: str, redis: Redis) -> None:
    """Nobody knows how it ended: it is reclaimed as what a crash leaves, not handed back as if untouched."""
    decision = Held(irrevocable=True)
    desk = Desk(decision)
    consumer = Running(redis_url, desk, pace=replace(BRISK, drain_for=timedelta(milliseconds=200)))
    decision.consumer = consumer
    await consumer.start()
    await publish(redis)
    await until(lambda: desk.begun, within=SOON_SECONDS)
    await consumer.consumer.drain()
    contents = await lane_contents(redis, LANE)
    assert list(contents.pending[LANE.facts].values()) == [consumer.consumer.name]
    decision.go.set()
    await until(lambda: desk.finished, within=SOON_SECONDS)
    await until(lambda: not len(consumer.consumer.readers[LANE.name].hands), within=SOON_SECONDS)
    await consumer.stop()


async def test_an_entry_cancelled_before_its_first_step_is_let_go(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.start()
    await publish(redis)
    reader = consumer.consumer.readers[LANE.name]
    await until(lambda: _begun_and_cancelled(consumer), within=SOON_SECONDS, every=0)
    await until(lambda: not len(reader.hands), within=SOON_SECONDS)
    await consumer.stop()


def _begun_and_cancelled(consumer: Running) -> bool:
    tasks = consumer.consumer._tasks()
    for task in tasks:
        task.cancel()
    return bool(tasks)


async def test_a_breaker_that_probes_is_stopped_too(redis_url: str) -> None:
    async def probe() -> None:
        raise ConnectionError

    consumer = Running(redis_url, Desk())
    consumer.consumer.guard("smtp", probe=probe, gauge=smtp_pause)
    await consumer.start()
    consumer.consumer._trip("smtp", "refused")
    await consumer.stop()
    assert consumer.consumer._breakers["smtp"]._probing is not None
    assert consumer.consumer._breakers["smtp"]._probing.done()


async def test_a_retry_under_way_is_settled_by_the_drain(redis_url: str, redis: Redis) -> None:
    go = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        await go.wait()
        return RetryLater("later", after=timedelta(minutes=1))

    desk = Desk(decide)
    consumer = Running(redis_url, desk)
    await consumer.start()
    await publish(redis)
    await until(lambda: desk.begun, within=SOON_SECONDS)
    stopping = asyncio.create_task(consumer.stop())
    await until(lambda: consumer.consumer.gate.shut_by, within=SOON_SECONDS)
    go.set()
    await stopping
    contents = await lane_contents(redis, LANE)
    assert [fields["attempt"] for fields in contents.delayed] == ["2"]
    assert contents.pending[LANE.facts] == {}
