"""Finding, replaying and dropping dead letters."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from contracts import codec
from contracts.events import LoginEvent
from mailer_service.consuming.dead_letters import PAGE, Criteria, DeadLetters, Letter, Replay
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.outcomes import DeadLetter, Done, Outcome
from mailer_service.consuming.transitions import Transitions
from tests.support.consumers import LANE, Desk, fact, publish, running
from tests.support.lane_contents import lane_contents
from tests.support.waiting import until

Bury = Callable[..., Coroutine[Any, Any, Letter]]


@pytest.fixture
def letters(redis: Redis, lane: Lane, ada: Transitions) -> DeadLetters:
    return DeadLetters(redis, lane=lane, transitions=ada)


@pytest.fixture
def bury(redis: Redis, letters: DeadLetters) -> Bury:
    """Lay a letter among the dead, as burying does, and find it."""

    async def letter(**notes: object) -> Letter:
        entry: dict[Any, Any] = codec.encode(fact()) | {"reason": "refused", "attempts": "3", **notes}
        id_: Any = await redis.xadd(LANE.dead, entry)
        (found,) = await find(letters, Criteria(ids=frozenset({id_.decode()})))
        return found

    return letter


async def find(letters: DeadLetters, criteria: Criteria | None = None) -> list[Letter]:
    return [letter async for letter in letters.find(criteria or Criteria())]


async def test_all_are_found_page_by_page_oldest_first(redis: Redis, letters: DeadLetters) -> None:
    async with redis.pipeline(transaction=False) as batch:
        for number in range(2 * PAGE + 3):
            batch.xadd(LANE.dead, {"number": number, "reason": "odd" if number % 2 else "even"})
        await batch.execute()
    found = await find(letters)
    assert [letter.entry.text(b"number") for letter in found] == [str(n) for n in range(2 * PAGE + 3)]
    assert len(await find(letters, Criteria(reason="odd"))) == PAGE + 1


async def test_age_is_judged_by_the_servers_clock(redis: Redis, letters: DeadLetters) -> None:
    seconds, _ = await redis.time()
    for days in (3, 1):
        await redis.xadd(LANE.dead, {"days": days}, id=f"{(seconds - days * 86_400) * 1000}-0")
    (old,) = await find(letters, Criteria(older_than=timedelta(days=2)))
    (new,) = await find(letters, Criteria(newer_than=timedelta(days=2)))
    assert (old.entry.text(b"days"), new.entry.text(b"days")) == ("3", "1")


async def test_a_replayed_letter_begins_anew_under_its_event_id(
    redis: Redis, letters: DeadLetters, bury: Bury
) -> None:
    letter = await bury(
        error="550", attempts=3, crashes=2, last=9, consumer="ada", deaths=1, first=7, recipient=2
    )
    assert await letters.replay(letter) is Replay.REPLAYED
    contents = await lane_contents(redis, LANE)
    (again,) = contents.retry
    event = set(codec.encode(codec.decode(letter.entry.fields)))
    assert set(again) == event | {"deaths", "first", "recipient", "replayed"}
    assert (again["id"], again["replayed"]) == (letter.entry.text(b"id"), "dead")
    assert (again["deaths"], again["first"], again["recipient"]) == ("1", "7", "2")
    assert contents.dead == []


async def test_an_expired_letter_goes_only_when_forced(
    redis: Redis, letters: DeadLetters, bury: Bury
) -> None:
    letter = await bury(expirytime=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())
    assert await letters.replay(letter) is Replay.EXPIRED
    assert await redis.xlen(LANE.dead) == 1
    assert await letters.replay(letter, forced=True) is Replay.REPLAYED
    assert (await lane_contents(redis, LANE)).retry[0]["replayed"] == "forced"


async def test_a_parked_letter_goes_only_when_forced(letters: DeadLetters, bury: Bury) -> None:
    letter = await bury(deaths=3)
    assert await letters.replay(letter) is Replay.PARKED
    assert await letters.replay(letter, forced=True) is Replay.REPLAYED


async def test_a_dry_run_moves_nothing(redis: Redis, letters: DeadLetters, bury: Bury) -> None:
    letter = await bury()
    assert await letters.replay(letter, dry_run=True) is Replay.REPLAYED
    assert (await redis.xlen(LANE.dead), await redis.xlen(LANE.retry)) == (1, 0)


async def test_a_letter_is_replayed_once(redis: Redis, letters: DeadLetters, bury: Bury) -> None:
    letter = await bury()
    assert await letters.replay(letter) is Replay.REPLAYED
    assert await letters.replay(letter) is Replay.GONE
    assert await redis.xlen(LANE.retry) == 1


async def test_dropped_letters_are_gone(letters: DeadLetters, bury: Bury) -> None:
    first, second, third = [await bury() for _ in range(3)]
    assert await letters.drop([]) == 0
    assert await letters.drop([first, third]) == 2
    assert await letters.drop([first]) == 0
    assert [letter.id for letter in await find(letters)] == [second.id]


async def test_a_letter_that_dies_three_times_is_parked(
    redis_url: str, redis: Redis, letters: DeadLetters
) -> None:
    async def decide(_event: LoginEvent, held: InHand) -> Outcome:
        return Done() if held.entry.replayed == "forced" else DeadLetter("refused", "550")

    async def one() -> list[Letter]:
        return await find(letters)

    desk = Desk(decide)
    (event_id,) = await publish(redis)
    async with running(redis_url, desk):
        for deaths in (1, 2, 3):
            (letter,) = await until(one, within=5)
            assert (letter.deaths, letter.is_parked) == (deaths, deaths == 3)
            assert letter.entry.text(b"id") == str(event_id)
            expected = Replay.PARKED if letter.is_parked else Replay.REPLAYED
            assert await letters.replay(letter) is expected
        (parked,) = await one()
        assert await letters.replay(parked, forced=True) is Replay.REPLAYED
        await until(lambda: desk.finished, within=5)
    assert [entry.attempt for entry in desk.entries] == [1] * 4
    assert len({entry.first_ms for entry in desk.entries}) == 1
