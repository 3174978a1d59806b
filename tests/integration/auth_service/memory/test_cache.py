import asyncio
import pickle
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest_asyncio
from redis.asyncio import Redis
from structlog.testing import capture_logs

from auth_service.memory.cache import FIELDS_MAX, VALUE_BYTES_MAX, Cache, Hit, Nowhere, Taken, Ticket
from auth_service.memory.cache_keys import GENERATION, Place
from auth_service.memory.reads import Loaded
from tests.support.caches import LIFE, Process, process
from tests.support.waiting import until as eventually

FRESH = timedelta(seconds=30)
BUNDLE = "{auth.cache}:user:00000000-0000-4000-8000-000000000001"
PLACE = Place(BUNDLE, "session")


@dataclass
class Row:
    """A row that counts how often it is loaded."""

    number: int = 1
    loads: int = 0
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.slow.set()

    async def load(self) -> Loaded[int]:
        self.loads += 1
        number = self.number
        await self.slow.wait()
        return Loaded(number, fresh=FRESH)


@pytest_asyncio.fixture
async def one(redis_url: str) -> AsyncIterator[Process]:
    async with process(redis_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def other(redis_url: str) -> AsyncIterator[Process]:
    async with process(redis_url) as opened:
        yield opened


async def ticket_for(cache: Cache, place: Place = PLACE) -> Ticket:
    sight = await cache.look(place)
    assert isinstance(sight, Ticket), sight
    return sight


async def put(cache: Cache, value: bytes, place: Place = PLACE, *, fresh: timedelta = FRESH) -> bool:
    return await cache.fill(await ticket_for(cache, place), value, fresh=fresh, life=LIFE)


async def test_what_one_process_loads_the_other_has(one: Process, other: Process) -> None:
    row = Row()
    place = one.numbers.place(BUNDLE, "row")

    assert [await one.numbers.read(place, row.load), await other.numbers.read(place, row.load)] == [1, 1]
    assert row.loads == 1
    assert (one.counted("miss"), one.filled("kept"), other.counted("hit")) == (1, 1, 1)


async def test_a_slow_reader_puts_no_old_row_back(one: Process, other: Process) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    row.slow.clear()
    slow = asyncio.create_task(one.numbers.read(place, row.load))
    while not row.loads:
        await one.circuit.ask("PING")
    row.number = 2
    await other.cache.drop([BUNDLE])
    row.slow.set()

    assert await slow == 1  # it asked before the change had ended
    assert one.filled("outrun") == 1
    assert await one.numbers.read(place, row.load) == 2


async def test_nobody_waits_for_a_load_that_began_before_the_change_they_know_of(
    one: Process, other: Process
) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    row.slow.clear()
    slow = asyncio.create_task(one.numbers.read(place, row.load))
    while not row.loads:
        await one.circuit.ask("PING")
    row.number = 2
    await other.cache.drop([BUNDLE])
    later = asyncio.create_task(one.numbers.read(place, row.load))
    while row.loads < 2:
        await one.circuit.ask("PING")
    row.slow.set()

    assert (await slow, await later) == (1, 2)


async def test_a_flush_takes_tickets_too(one: Process, redis_client: Redis) -> None:
    ticket = await ticket_for(one.cache)
    await redis_client.flushdb()

    assert not await one.cache.fill(ticket, b"old", fresh=FRESH, life=LIFE)
    await ticket_for(one.cache)


async def test_nothing_is_taken_from_a_server_that_refuses_writes(
    one: Process, other: Process, redis_client: Redis
) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    assert await other.numbers.read(place, row.load) == 1
    await redis_client.config_set("min-replicas-to-write", 1)
    try:
        row.number = 2
        await one.cache.drop([BUNDLE])  # refused
        assert await other.numbers.read(place, row.load) == 2
    finally:
        await redis_client.config_set("min-replicas-to-write", 0)


async def test_a_process_that_may_not_drop_takes_nothing_from_the_cache_any_more(
    one: Process, redis_url: str, redis_client: Redis
) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    await redis_client.acl_setuser("door", enabled=True, nopass=True, keys="*", commands=["+@all", "-unlink"])
    try:
        async with process(redis_url.replace("redis://", "redis://door:any@")) as bound:
            assert await bound.numbers.read(place, row.load) == 1
            row.number = 2
            with capture_logs() as logged:
                await bound.cache.drop([BUNDLE])
                assert [await bound.numbers.read(place, row.load) for _ in range(3)] == [2, 2, 2]
            assert not bound.circuit.is_open
            assert [(entry["event"], entry.get("command")) for entry in logged] == [
                ("memory_call_refused", "unlink")
            ]
            await redis_client.acl_setuser("door", commands=["+unlink"])
            assert [await bound.numbers.read(place, row.load) for _ in range(2)] == [2, 2]
            assert bound.counted("hit") == 1
    finally:
        await redis_client.acl_deluser("door")


async def test_whatever_lies_where_the_generation_is_named_is_replaced(
    one: Process, redis_client: Redis
) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    await one.numbers.read(place, row.load)
    await redis_client.delete(GENERATION)
    await redis_client.hset(GENERATION, "a", "b")
    row.number = 2

    assert [await one.numbers.read(place, row.load) for _ in range(3)] == [2, 2, 2]
    assert row.loads == 2
    assert await redis_client.ttl(GENERATION) > 0


async def test_an_old_value_that_is_put_back_lives_no_longer(one: Process, redis_url: str) -> None:
    field_name = f"v:{PLACE.field}"
    await put(one.cache, b"1", fresh=timedelta(seconds=1))
    async with Redis.from_url(redis_url) as raw:
        kept: Any = await raw.hget(BUNDLE, field_name)
        generation, filled, until, box = kept.split(b" ", 3)
        await one.cache.drop([BUNDLE])
        await raw.hset(BUNDLE, field_name, b" ".join((generation, filled, b"99999999999999", box)))
        assert isinstance(await one.cache.look(PLACE), Ticket)

        async def is_over() -> bool:
            seconds, microseconds = await raw.time()
            return seconds * 1000 + microseconds // 1000 >= int(until)

        await eventually(is_over, within=10)
        await one.cache.drop([BUNDLE])
        await raw.hset(BUNDLE, field_name, kept)
        assert isinstance(await one.cache.look(PLACE), Ticket)


async def test_fifty_parallel_misses_load_once(one: Process) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")

    assert await asyncio.gather(*(one.numbers.read(place, row.load) for _ in range(50))) == [1] * 50
    assert row.loads == 1
    assert one.counted("miss") == 1
    assert one.counted("shared") == 49


async def test_another_process_waits_for_a_load_instead_of_loading_itself(
    one: Process, other: Process
) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    ticket = await ticket_for(one.cache, place)
    waiting = asyncio.create_task(other.numbers.read(place, row.load))
    await other.circuit.ask("PING")
    await one.cache.fill(ticket, b"7", fresh=FRESH, life=LIFE)

    assert await waiting == 7
    assert row.loads == 0


async def test_whoever_waits_in_vain_loads_for_themselves(one: Process, other: Process) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    await ticket_for(one.cache, place)  # and dies

    assert await other.numbers.read(place, row.load) == 1
    assert other.counted("bypass") == 1


async def test_a_load_that_fails_gives_its_ticket_back_and_fails_for_all_who_share_it(one: Process) -> None:
    place = one.numbers.place(BUNDLE, "row")

    async def fails() -> Loaded[int]:
        raise OSError("gone")

    ended = await asyncio.gather(*(one.numbers.read(place, fails) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in ended] == [OSError] * 3
    await ticket_for(one.cache, place)


async def test_whoever_goes_away_takes_the_load_from_nobody(one: Process) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    row.slow.clear()
    first = asyncio.create_task(one.numbers.read(place, row.load))
    while not row.loads:
        await one.circuit.ask("PING")
    second = asyncio.create_task(one.numbers.read(place, row.load))
    while not one.counted("shared"):
        await one.circuit.ask("PING")
    first.cancel()
    row.slow.set()

    assert await second == 1
    assert row.loads == 1


async def test_what_is_fresh_no_more_is_loaded_anew_and_called_stale(one: Process) -> None:
    await put(one.cache, b"1", fresh=timedelta(milliseconds=1))
    while isinstance(sight := await one.cache.look(PLACE), Hit):
        pass

    assert isinstance(sight, Ticket)
    assert sight.stale


async def test_a_ticket_is_given_once_and_again_when_it_was_given_back(one: Process, other: Process) -> None:
    ticket = await ticket_for(one.cache)
    sight = await other.cache.look(PLACE)
    assert isinstance(sight, Taken)
    assert (sight.ticket.name, sight.ticket.place) == (ticket.name, ticket.place)
    await one.cache.fill(ticket, None, fresh=FRESH, life=LIFE)

    second = await ticket_for(other.cache)
    assert second.name != ticket.name
    assert not await one.cache.fill(ticket, b"old", fresh=FRESH, life=LIFE)


async def test_a_bundle_goes_whole(one: Process) -> None:
    for name in ("a", "b"):
        await put(one.cache, b"1", Place(BUNDLE, name))
    await one.cache.drop([BUNDLE])

    for name in ("a", "b"):
        await ticket_for(one.cache, Place(BUNDLE, name))


async def test_a_bundle_holds_so_many_values_and_no_more(one: Process, redis_client: Redis) -> None:
    for number in range(3 * FIELDS_MAX):
        await put(one.cache, b"1", Place(BUNDLE, str(number)))
        assert await redis_client.hlen(BUNDLE) <= FIELDS_MAX


async def test_one_value_more_than_a_bundle_holds_empties_it_first(one: Process, redis_client: Redis) -> None:
    places = [Place(BUNDLE, str(number)) for number in range(FIELDS_MAX + 1)]
    for place in places[:-1]:
        await put(one.cache, b"1", place)
    for place in places[:-1]:
        assert isinstance(await one.cache.look(place), Hit)
    await put(one.cache, b"1", places[-1])

    assert await redis_client.hkeys(BUNDLE) == [f"v:{FIELDS_MAX}"]
    assert isinstance(await one.cache.look(places[-1]), Hit)


async def test_what_is_too_large_is_not_kept(one: Process, redis_client: Redis) -> None:
    assert await put(one.cache, b"1" * VALUE_BYTES_MAX)
    await one.cache.drop([BUNDLE])
    assert await put(one.cache, b"1" * (VALUE_BYTES_MAX + 1))  # the ticket stood

    assert not await redis_client.exists(BUNDLE)


async def test_a_pointer_leads_to_a_bundle_in_the_same_round_trip(one: Process) -> None:
    place = Place("{auth.cache}:session:x", "session", BUNDLE.removesuffix("1"))
    assert await one.cache.look(place) == Nowhere()
    await one.cache.point(place.key, to="1", life=LIFE)
    ticket = await ticket_for(one.cache, place)
    assert ticket.place == PLACE
    await one.cache.fill(ticket, b"1", fresh=FRESH, life=LIFE)

    assert await one.cache.look(place) == Hit(b"1", BUNDLE)
    assert await one.cache.look(PLACE) == Hit(b"1", BUNDLE)


class Mischief:
    """Runs when it is unpickled."""

    done = False

    def __reduce__(self) -> tuple[object, ...]:
        return setattr, (Mischief, "done", True)


async def test_the_bytes_of_a_pickle_are_a_miss_and_run_nothing(one: Process, redis_client: Redis) -> None:
    row, place = Row(), one.numbers.place(BUNDLE, "row")
    await one.numbers.read(place, row.load)
    pickled = pickle.dumps(Mischief())
    async with Redis.from_url(redis_url_of(redis_client)) as raw:
        record = await raw.hget(BUNDLE, f"v:{place.field}")
        assert isinstance(record, bytes)
        header = b" ".join(record.split(b" ", 3)[:3])
        for forged in (header + b" " + pickled, pickled):
            await raw.hset(BUNDLE, f"v:{place.field}", forged)
            assert await one.numbers.read(place, row.load) == 1
        for key in (BUNDLE, GENERATION):
            await raw.set(key, pickled, px=5000)
            assert await one.numbers.read(place, row.load) == 1

    assert not Mischief.done
    assert row.loads == 5


def redis_url_of(client: Redis) -> str:
    options = client.connection_pool.connection_kwargs
    return f"redis://{options['host']}:{options['port']}/{options.get('db', 0)}"


async def test_a_value_of_one_place_is_nothing_at_another(one: Process, redis_client: Redis) -> None:
    await put(one.cache, b"ada", Place(BUNDLE, "one"))
    await put(one.cache, b"bob", Place(BUNDLE, "two"))
    async with Redis.from_url(redis_url_of(redis_client)) as raw:
        theirs = await raw.hget(BUNDLE, "v:two")
        assert theirs is not None
        await raw.hset(BUNDLE, "v:one", theirs)

    with capture_logs() as logged:
        await ticket_for(one.cache, Place(BUNDLE, "one"))
    assert [entry["event"] for entry in logged] == ["cached_value_unreadable"]


async def test_nothing_that_is_kept_can_be_read_there(one: Process, redis_client: Redis) -> None:
    await put(one.cache, b'{"email":"ada@example.org"}')
    async with Redis.from_url(redis_url_of(redis_client)) as raw:
        dumped = b"".join([key + (await raw.dump(key) or b"") async for key in raw.scan_iter()])

    assert b"user" in dumped
    assert b"ada@" not in dumped


async def test_every_key_expires(one: Process, redis_client: Redis) -> None:
    await put(one.cache, b"1")
    await one.cache.point("{auth.cache}:session:x", to="1", life=LIFE)
    await ticket_for(one.cache, Place("{auth.cache}:lists:users", "page"))

    keys = [key async for key in redis_client.scan_iter()]
    assert len(keys) == 4
    for key in keys:
        assert await redis_client.pttl(key) > 0
