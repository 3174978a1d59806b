"""A running consumer: reading, trying again, giving up, splitting, pausing, clean-up."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from faststream import ContextRepo
from redis.asyncio import Redis

from contracts.events import LoginEvent
from contracts.sealing import BoxRefused
from mailer_service.consuming.entries import Entry, InHand
from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater, Split
from tests.support.consumers import LANE, Desk, Running, publish, running
from tests.support.lane_contents import lane_contents, raw_entries
from tests.support.waiting import until


async def quiet(redis: Redis) -> bool:
    return (await lane_contents(redis, LANE)).is_quiet


async def only_letter(redis: Redis) -> dict[str, str]:
    (letter,) = await until(lambda: _dead(redis), within=5)
    return letter


async def _dead(redis: Redis) -> list[dict[str, str]]:
    return (await lane_contents(redis, LANE)).dead


async def fields_of_one(redis: Redis) -> dict[bytes, bytes]:
    """Make an event's fields, on no stream yet."""
    await publish(redis)
    ((_, fields),) = await raw_entries(redis, LANE.facts)
    await redis.delete(LANE.facts)
    return fields


async def suspect(redis: Redis) -> None:
    """Let an entry wait that has two crashes behind it."""
    entry: dict[Any, Any] = {**await fields_of_one(redis), b"crashes": b"2"}
    await redis.xadd(LANE.suspects, entry)


async def test_what_was_published_before_the_first_start_is_handled(redis_url: str, redis: Redis) -> None:
    published = await publish(redis, 20)
    desk = Desk()
    async with running(redis_url, desk):
        await until(lambda: len(desk.finished) >= 20, within=5)
        await until(lambda: quiet(redis), within=5)
    assert sorted(desk.finished) == sorted(published)
    assert await redis.xlen(LANE.facts) == 20


async def test_what_is_older_than_a_day_is_not(redis_url: str, redis: Redis) -> None:
    seconds, _ = await redis.time()
    await redis.xadd(LANE.facts, {"of": "old"}, id=f"{(seconds - 86_410) * 1000}-0")
    await redis.xadd(LANE.facts, {"of": "yesterday"}, id=f"{(seconds - 86_390) * 1000}-0")
    await publish(redis)
    desk = Desk()
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
        letter = await only_letter(redis)
    assert letter["of"] == "yesterday"


async def test_no_more_entries_are_in_hand_than_there_are_slots(redis_url: str, redis: Redis) -> None:
    most = 0
    leave = asyncio.Event()

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        nonlocal most
        most = max(most, len(consumer.consumer.readers[LANE.name].hands))
        await leave.wait()
        return Done()

    desk = Desk(decide)
    await publish(redis, 50)
    async with running(redis_url, desk) as consumer:
        await until(lambda: len(desk.begun) == LANE.slots, within=5)
        leave.set()
        await until(lambda: len(desk.finished) == 50, within=5)
    # COUNT holds for each of two streams: the last free slot may bring two.
    assert most <= LANE.slots + 1
    assert desk.copies == 0


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
    consumer.consumer.guard("smtp", probe=probe)
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


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"data": b"{"}, "undecodable"),
        ({"data": b"\xff"}, "undecodable"),
        ({"type": b"porter.auth.something_else.v1"}, "unknown_type"),
        ({"type": b"porter.auth.otp_requested.v9"}, "unknown_version"),
        (None, "undecodable"),
    ],
)
async def test_what_cannot_be_read_is_dead_at_once(
    redis_url: str, redis: Redis, spoilt: dict[str, bytes] | None, reason: str
) -> None:
    fields = await fields_of_one(redis)
    entry: dict[Any, Any] = {"any": "thing"} if spoilt is None else {**fields, **spoilt}
    await redis.xadd(LANE.facts, entry)
    desk = Desk()
    async with running(redis_url, desk) as consumer:
        letter = await only_letter(redis)
        assert [letter.reason for _, letter in consumer.register] == [reason]
    assert (letter["reason"], letter["attempts"], desk.begun) == (reason, "1", [])


async def test_an_event_of_another_stream_is_dead_at_once(redis_url: str, redis: Redis) -> None:
    fields = await fields_of_one(redis)
    data = (
        b'{"locale":"en","sealed":"box","user_id":"0198c0de-0000-7000-8000-000000000001",'
        b'"approved_by":"0198c0de-0000-7000-8000-000000000002"}'
    )
    misplaced: dict[Any, Any] = {
        **fields,
        b"type": b"porter.auth.account_approved.v1",
        b"dataschema": b"urn:porter:schema:auth:account_approved:v1",
        b"data": data,
    }
    await redis.xadd(LANE.facts, misplaced)
    desk = Desk()
    async with running(redis_url, desk):
        letter = await only_letter(redis)
    assert (letter["reason"], letter["attempts"], desk.begun) == ("misplaced", "1", [])


async def test_a_refused_box_is_dead_at_once(redis_url: str, redis: Redis) -> None:
    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        raise BoxRefused("box_copied", "sealed for another event")

    await publish(redis)
    async with running(redis_url, Desk(decide)):
        letter = await only_letter(redis)
    assert (letter["reason"], letter["error"]) == ("box_copied", "sealed for another event")


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


async def test_a_suspect_that_waits_at_the_start_is_handled(redis_url: str, redis: Redis) -> None:
    desk = Desk()
    await suspect(redis)
    async with running(redis_url, desk):
        await until(lambda: desk.finished, within=5)
        await until(lambda: quiet(redis), within=5)
    assert [entry.key for entry in desk.entries] == [LANE.suspects]


async def test_suspects_are_taken_one_at_a_time(redis_url: str, redis: Redis) -> None:
    at_once = most = 0

    async def decide(_event: LoginEvent, _held: InHand) -> Outcome:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await until(lambda: quiet_or_pending(redis), within=5)
        at_once -= 1
        return Done()

    async def quiet_or_pending(client: Redis) -> bool:
        held = (await lane_contents(client, LANE)).pending[LANE.suspects]
        assert len(held) == 1
        return bool(held)

    desk = Desk(decide)
    for _ in range(4):
        await suspect(redis)
    async with running(redis_url, desk):
        await until(lambda: len(desk.finished) == 4, within=5)
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


async def test_a_drained_consumer_is_removed_by_the_next(redis_url: str, redis: Redis) -> None:
    async def names() -> set[str]:
        return {info["name"].decode() for info in await redis.xinfo_consumers(LANE.facts, LANE.group)}

    desk = Desk()
    await publish(redis)
    async with running(redis_url, desk) as first:
        await until(lambda: desk.finished, within=5)
    assert first.consumer.name in await names()
    await publish(redis)
    async with running(redis_url, desk) as second:
        assert second.consumer.name != first.consumer.name
        await until(lambda: len(desk.finished) == 2, within=5)

        async def first_is_gone() -> bool:
            return await names() == {second.consumer.name}

        await until(first_is_gone, within=5)


async def test_liveness_fails_when_the_loop_stops_turning(redis_url: str) -> None:
    async with running(redis_url, Desk()) as consumer:
        reader = consumer.consumer.readers[LANE.name]
        assert consumer.consumer.is_alive
        turn = reader._turned_at
        await until(lambda: reader._turned_at != turn, within=5)
        ago = consumer.consumer.pace.turn_within.total_seconds()
        now = consumer.consumer._clock()
        reader._clock = lambda: now + 2 * ago
        reader._turned_at = now
        assert not consumer.consumer.is_alive
        await until(lambda: consumer.consumer.is_alive, within=5)
