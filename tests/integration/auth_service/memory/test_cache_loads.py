"""How often is loaded what many wait for, by whose ticket, and what becomes of a ticket that nobody uses."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import pytest_asyncio
from pydantic import TypeAdapter
from redis.asyncio import Redis

from auth_service.memory.cache import Ticket
from auth_service.memory.cache_keys import USER_PREFIX, Place, session_pointer
from auth_service.memory.reads import Loaded, Reads
from tests.support.caches import LIFE, Process, process
from tests.support.waiting import until

FRESH = timedelta(seconds=30)
BUNDLE, OTHERS = f"{USER_PREFIX}1", f"{USER_PREFIX}2"
MANY = 50
SOON_SECONDS = 10


@dataclass
class Row:
    """A row that counts how often it is loaded, and may keep whoever loads it waiting."""

    number: int = 1
    loads: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def load(self) -> Loaded[int]:
        self.loads += 1
        number = self.number
        await self.answers.wait()
        return Loaded(number, fresh=FRESH)

    async def loaded(self, times: int) -> None:
        await until(lambda: self.loads == times, within=SOON_SECONDS)


@pytest_asyncio.fixture
async def one(redis_url: str) -> AsyncIterator[Process]:
    async with process(redis_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def other(redis_url: str) -> AsyncIterator[Process]:
    async with process(redis_url) as opened:
        yield opened


@pytest.fixture
def row(one: Process, other: Process) -> Iterator[Row]:
    """Lend a row; whoever still waits for it in the end is let go before their processes close."""
    assert one is not other
    lent = Row()
    yield lent
    lent.answers.set()


def row_at(reader: Process) -> Place:
    return reader.numbers.place(BUNDLE, "row")


async def orphan(owner: Process) -> Ticket:
    """Take a ticket and do nothing with it."""
    sight = await owner.cache.look(row_at(owner))
    assert isinstance(sight, Ticket), sight
    return sight


async def test_what_takes_longer_to_load_than_anyone_waits_is_loaded_once_in_each_process(
    one: Process, other: Process, row: Row
) -> None:
    first = asyncio.create_task(one.numbers.read(row_at(one), row.load))
    await row.loaded(1)
    readers = [
        asyncio.create_task(each.numbers.read(row_at(each), row.load))
        for each in (one, other)
        for _ in range(MANY)
    ]
    await until(
        lambda: other.counted("bypass") + other.counted("shared") == one.counted("shared") == MANY,
        within=SOON_SECONDS,
    )
    row.answers.set()

    assert await asyncio.gather(first, *readers) == [1] * (2 * MANY + 1)
    assert row.loads == 2
    assert other.counted("bypass") == 1


async def test_a_ticket_whose_owner_died_is_filled_by_whoever_waited_in_vain(
    one: Process, other: Process, row: Row
) -> None:
    row.answers.set()
    await orphan(one)

    readers = [other.numbers.read(row_at(other), row.load) for _ in range(MANY)]
    assert await asyncio.gather(*readers) == [1] * MANY
    assert row.loads == 1
    assert (other.counted("bypass"), other.filled("kept")) == (1, 1)
    assert await one.numbers.read(row_at(one), row.load) == 1
    assert one.counted("hit") == 1


async def test_whoever_fills_second_by_the_same_ticket_puts_no_old_row_back(
    one: Process, other: Process, row: Row
) -> None:
    slow = asyncio.create_task(one.numbers.read(row_at(one), row.load))
    await row.loaded(1)
    row.number = 2
    beside = asyncio.create_task(other.numbers.read(row_at(other), row.load))
    await row.loaded(2)
    await other.cache.drop([BUNDLE])
    later = asyncio.create_task(other.numbers.read(row_at(other), row.load))
    await row.loaded(3)
    row.answers.set()

    assert [*await asyncio.gather(slow, beside, later)] == [1, 2, 2]
    assert await one.numbers.read(row_at(one), row.load) == 2
    assert one.filled("outrun") == other.filled("outrun") == other.filled("kept") == 1


@pytest.mark.parametrize("again", [0, 1], ids=["and loads themselves", "and waits in vain again"])
async def test_nobody_joins_a_load_beside_another_that_began_before_the_change_they_know_of(
    one: Process, other: Process, row: Row, again: int
) -> None:
    await orphan(one)
    early = asyncio.create_task(other.numbers.read(row_at(other), row.load))
    await row.loaded(1)
    row.number = 2
    await one.cache.drop([BUNDLE])
    for _ in range(again):
        await orphan(one)
    late = [asyncio.create_task(other.numbers.read(row_at(other), row.load)) for _ in range(MANY)]
    await row.loaded(2)
    row.answers.set()

    assert await early == 1  # it asked before the change had ended
    assert await asyncio.gather(*late) == [2] * MANY
    assert row.loads == 2
    assert await one.numbers.read(row_at(one), row.load) == 2


@pytest.mark.parametrize("by_pointer", ["", USER_PREFIX], ids=["by its name", "by a pointer"])
async def test_whoever_goes_away_before_they_load_leaves_no_ticket_behind(
    one: Process, row: Row, redis_client: Redis, by_pointer: str
) -> None:
    row.answers.set()
    pointer = session_pointer("x")
    place = one.numbers.place(pointer, "row", prefix=by_pointer) if by_pointer else row_at(one)
    await one.cache.point(pointer, to="1", life=LIFE)
    for turns in range(12):  # of the event loop: before it asks, while Redis answers, while it loads
        reading = asyncio.create_task(one.numbers.read(place, row.load))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})
        await one.numbers.close()
        await one.cache.close()
        await one.circuit.ask("PING")  # what was asked before has been answered
        left = await redis_client.hkeys(BUNDLE)
        assert [name for name in left if str(name).startswith("t:")] == [], turns
        await one.cache.drop([BUNDLE])


async def test_a_pointer_to_somebody_else_is_forgotten_and_nothing_kept_or_taken_there(
    one: Process, row: Row, redis_client: Redis
) -> None:
    row.answers.set()
    reads = Reads(
        name="numbers",
        shape=TypeAdapter(int),
        cache=one.cache,
        life=LIFE,
        metrics=one.metrics,
        bundle_of=lambda number: f"{USER_PREFIX}{number}",
    )
    place = reads.place(session_pointer("x"), "row", prefix=USER_PREFIX)

    async def whose() -> Loaded[str]:
        return Loaded("1", fresh=FRESH)

    await redis_client.set(place.key, "2", px=60_000)
    assert await reads.read(place, row.load, find=whose) == 1
    assert not await redis_client.exists(OTHERS, place.key)
    assert await reads.read(place, row.load, find=whose) == 1

    theirs = await one.cache.look(Place(OTHERS, place.field))
    assert isinstance(theirs, Ticket)
    await one.cache.fill(theirs, b"1", fresh=FRESH, life=LIFE)  # where no drop of the first one's reaches it
    await redis_client.set(place.key, "2", px=60_000)
    assert await reads.read(place, row.load, find=whose) == 1
    assert await redis_client.get(place.key) == "1"
    assert (row.loads, one.counted("hit")) == (2, 1)
