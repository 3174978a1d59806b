"""What a handler comes to, settled: tried again, given up, split, handed back, paused for."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from faststream import ContextRepo
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from contracts.events import LoginEvent
from mailer_service.consuming.entries import Entry, InHand
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.metrics import smtp_pause
from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater, Split
from tests.support.consumers import LANE, Desk, Running, publish, running
from tests.support.lane_contents import lane_contents
from tests.support.shared_lane import only_letter, quiet
from tests.support.waiting import until


async def test_an_error_is_tried_again_with_its_attempts_counted(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        if held.entry.attempt < 3:
            raise ConnectionError("not now")
        return Done()

    desk = Desk(decide)
    (event_id,) = await publish(redis)
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
        await until(lambda: quiet(redis), within=5)
    assert desk.finished == [event_id]
    assert [entry.attempt for entry in desk.entries] == [1, 2, 3]
    assert len({entry.first_ms for entry in desk.entries}) == 1


async def test_the_last_attempts_error_buries_it(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        raise ConnectionError("ada@example.org is told to nobody")

    desk = Desk(decide)
    (event_id,) = await publish(redis)
    async with running(redis_url, desk) as consumer:
        letter = await only_letter(redis)
        await until(lambda: quiet(redis), within=5)
        assert [(entry.text(b"id"), letter.reason) for entry, letter in consumer.register] == [
            (str(event_id), "handler_failed")
        ]
        assert letter["consumer"] == consumer.consumer.name
    assert len(desk.begun) == 3
    kept = {name: letter[name] for name in ("id", "reason", "error", "attempts", "crashes", "deaths")}
    assert kept == {
        "id": str(event_id),
        "reason": "handler_failed",
        "error": "ConnectionError",
        "attempts": "3",
        "crashes": "0",
        "deaths": "1",
    }


async def test_a_retry_waits_as_the_backoff_says(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        return RetryLater("greylisted", after=timedelta(minutes=10))

    desk = Desk(decide)
    await publish(redis)
    async with running(redis_url, desk):
        waiting: Any = await until(lambda: redis.zrange(LANE.delayed, 0, -1, withscores=True), within=5)
    ((_, due),) = waiting
    seconds, _ = await redis.time()
    assert 590 < due / 1000 - seconds < 600 * 1.25 + 10


async def test_a_retry_that_spends_nothing_keeps_its_attempt(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        return RetryLater("busy", spends=False) if len(desk.begun) < 6 else Done()

    desk = Desk(decide)
    await publish(redis)
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
    assert [entry.attempt for entry in desk.entries] == [1] * 6


async def test_retries_wait_outside_of_the_process(redis_url: str, redis: Redis) -> None:
    async def put_off(_event: LoginEvent, _held: InHand) -> Outcome:
        return RetryLater("later", after=timedelta(seconds=1))

    first, second = Desk(put_off), Desk()
    published = await publish(redis, 3)
    consumer = Running(redis_url, first)
    await consumer.start()

    async def all_wait() -> bool:
        return bool(await redis.zcard(LANE.delayed) == 3)

    await until(all_wait, within=5)
    await consumer.vanish()
    async with running(redis_url, second):
        await until(lambda: len(second.finished) == 3, within=5)
    assert sorted(second.finished) == sorted(published)
    assert all(entry.attempt >= 2 for entry in second.entries)


async def test_one_event_for_three_goes_three_ways(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        match held.entry.recipient:
            case None:
                return Split(3)
            case 1:
                return DeadLetter("refused", "550")
            case _:
                return Done()

    desk = Desk(decide)
    (event_id,) = await publish(redis)
    async with running(redis_url, desk):
        letter = await only_letter(redis)
        await until(lambda: quiet(redis), within=5)
    assert sorted(str(entry.recipient) for entry in desk.entries) == ["0", "1", "2", "None"]
    assert desk.finished == [event_id, event_id]
    assert (letter["recipient"], letter["id"]) == ("1", str(event_id))


async def test_an_entry_left_is_handed_back_as_it_was(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        return Left("not_begun") if len(desk.begun) < 3 else Done()

    desk = Desk(decide)
    await publish(redis)
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
    assert [(entry.attempt, entry.crashes) for entry in desk.entries] == [(1, 0)] * 3
    assert [entry.key for entry in desk.entries] == [LANE.facts, LANE.retry, LANE.retry]


async def test_an_outage_pauses_reading_until_the_part_answers(redis_url: str, redis: Redis) -> None:
    away = True
    probes = 0

    async def probe() -> None:
        nonlocal probes
        probes += 1
        if away:
            raise ConnectionError

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        return Outage("smtp", "refused") if away else Done()

    desk = Desk(decide)
    consumer = Running(redis_url, desk)
    consumer.consumer.guard("smtp", probe=probe, gauge=smtp_pause)
    await consumer.start()
    await publish(redis)
    await until(lambda: probes > 2, within=5)
    assert consumer.consumer.gate.shut_by == {"smtp"}
    begun = len(desk.begun)
    published = await publish(redis, 5)
    await until(lambda: probes > 6, within=5)
    assert len(desk.begun) == begun
    away = False
    await until(lambda: len(desk.finished) == 6, within=5)
    assert set(published) < set(desk.finished)
    assert {entry.attempt for entry in desk.entries} == {1}
    await until(lambda: quiet(redis), within=5)
    await consumer.stop()


async def test_an_error_that_happens_to_have_a_reason_is_tried_again(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        if held.entry.attempt == 1:
            b"\xff".decode()  # UnicodeDecodeError has a `reason`, as ssl.SSLError has
        return Done()

    desk = Desk(decide)
    await publish(redis)
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
    assert await redis.xlen(LANE.dead) == 0


async def test_an_entry_that_came_to_no_ending_is_dead(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.consumer.prepare()
    await publish(redis)
    reply: Any = await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.facts: ">"})
    ((id_, fields),) = reply[0][1]
    held = InHand(Entry(LANE.facts, id_.decode(), fields), asked_at=0)
    message = {"channel": LANE.facts, "in_hand": held}
    await consumer.consumer.middleware(message, context=ContextRepo()).after_processed()
    assert (await only_letter(redis))["reason"] == "unhandled"
    await consumer.stop()


@pytest.mark.parametrize(
    "ending",
    [RetryLater("greylisted"), DeadLetter("refused"), Left("not_begun"), Split(2)],
    ids=lambda ending: type(ending).__name__,
)
async def test_an_entry_that_was_lost_meanwhile_is_let_go(
    redis_url: str, redis: Redis, ending: Outcome
) -> None:
    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        await redis.xack(LANE.facts, LANE.group, held.entry.id)
        return ending

    desk = Desk(decide)
    with capture_logs() as lines:
        async with running(redis_url, desk):
            await publish(redis)
            await until(lambda: "entry_lost" in [line["event"] for line in lines], within=5)
    contents = await lane_contents(redis, LANE)
    assert (contents.delayed, contents.dead, contents.retry) == ([], [], [])
    (line,) = [line for line in lines if line["event"] == "entry_lost"]
    assert line["outcome"] == type(ending).__name__


async def test_a_settlement_that_breaks_is_told(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        return Outage("a part that has no breaker", "secret@example.org")

    with capture_logs() as lines:
        async with running(redis_url, Desk(decide)):
            await publish(redis)
            await until(lambda: "settling_broke" in [line["event"] for line in lines], within=5)
    (line,) = [line for line in lines if line["event"] == "settling_broke"]
    assert line["error"] == "KeyError"
    assert "example.org" not in str(lines)
    assert len((await lane_contents(redis, LANE)).waiting[LANE.retry]) == 1


async def test_an_acknowledgement_that_fails_is_made_again_but_for_the_cancelled(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.consumer.prepare()
    await publish(redis, 2)
    reply: Any = await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.facts: ">"})
    entries = [Entry(LANE.facts, id_.decode(), fields) for id_, fields in reply[0][1]]
    settler = consumer.consumer._settlers[LANE.facts]
    settling = [asyncio.create_task(settler.settle(entry, Done())) for entry in entries]
    done = consumer.consumer.transitions.done

    async def refused(_lane: Lane, _key: str, _ids: Sequence[str]) -> None:
        settling[0].cancel()
        monkeypatch.setattr(consumer.consumer.transitions, "done", done)
        await asyncio.sleep(0)
        raise RedisConnectionError

    monkeypatch.setattr(consumer.consumer.transitions, "done", refused)
    await asyncio.gather(*settling, return_exceptions=True)
    assert [task.cancelled() for task in settling] == [True, False]
    pending = (await lane_contents(redis, LANE)).pending[LANE.facts]
    assert list(pending) == [entries[0].id]
    await consumer.stop()


async def test_a_cancelled_entry_spoils_no_others_acknowledgement(redis_url: str, redis: Redis) -> None:
    consumer = Running(redis_url, Desk())
    await consumer.consumer.prepare()
    await publish(redis, 3)
    reply: Any = await redis.xreadgroup(LANE.group, consumer.consumer.name, {LANE.facts: ">"})
    settler = consumer.consumer._settlers[LANE.facts]
    entries = [Entry(LANE.facts, id_.decode(), fields) for id_, fields in reply[0][1]]
    settling = [asyncio.create_task(settler.settle(entry, Done())) for entry in entries]
    await asyncio.sleep(0)
    settling[1].cancel()
    await asyncio.gather(*settling, return_exceptions=True)
    assert [task.cancelled() for task in settling] == [False, True, False]
    await until(lambda: quiet(redis), within=5)
    await consumer.stop()
