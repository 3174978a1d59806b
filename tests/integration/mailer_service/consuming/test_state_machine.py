"""Any order of reads, crashes, takeovers and settlings, on a real Redis: nothing is lost or doubled."""

import asyncio
import json
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from mailer_service.consuming.entries import ATTEMPT, NOTES, Entry
from mailer_service.consuming.groups import ensure_groups
from mailer_service.consuming.lanes import Pace
from mailer_service.consuming.transitions import Transitions
from tests.support.consumers import LANE, plain_client
from tests.support.lane_contents import raw_entries
from tests.support.lane_model import Held, Idle, LaneModel, Modelled, Place, Unread

T = TypeVar("T")
SILENT, STUCK = timedelta(seconds=10), timedelta(minutes=5)
IDLE_MS = {Idle.SILENT: 11_000, Idle.STUCK: 301_000}
MAX_CRASHES = 3
MARK = b"mark"
NAMES = ("ada", "bob", "eve")
who = st.sampled_from(NAMES)
nth = st.integers(min_value=0, max_value=19)


class Lanes(RuleBasedStateMachine):
    """The scripts beside the model. What a consumer once read it may settle at any time, its own or not."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.redis = plain_client(url)
        self.moves = {name: Transitions(self.redis, consumer=name, max_crashes=MAX_CRASHES) for name in NAMES}
        self.model = LaneModel(LANE, MAX_CRASHES)
        self.seen: list[tuple[str, Entry]] = []
        self.run(self.prepare())

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.loop.run_until_complete(awaited())

    async def prepare(self) -> None:
        await self.redis.flushdb()
        await ensure_groups(self.redis, LANE, lookback=Pace().lookback)
        for name in NAMES:
            await self.moves[name].renew(LANE)
            self.model.alive.add(name)

    def teardown(self) -> None:
        self.run(self.redis.aclose())
        self.loop.close()

    @initialize()
    def begin_with_some(self) -> None:
        self.publish(count=3)

    @rule(count=st.integers(1, 3))
    def publish(self, count: int) -> None:
        for _ in range(count):
            mark = f"entry {len(self.model.entries)}"
            self.run(self.redis.xadd(LANE.facts, {"mark": mark}))
            self.model.entries[mark] = Modelled(Unread(LANE.facts))

    @rule(name=who, count=st.integers(1, 5))
    def read(self, name: str, count: int) -> None:
        """Read as a consumer does: facts and retries, and a suspect unless one is in hand."""
        self.take(name, {LANE.retry: ">", LANE.facts: ">"}, count)
        held = [entry.place for entry in self.model.held_by(name)]
        if not any(isinstance(place, Held) and place.key == LANE.suspects for place in held):
            self.take(name, {LANE.suspects: ">"}, 1)

    def take(self, name: str, streams: dict[Any, Any], count: int) -> None:
        reply: Any = self.run(self.redis.xreadgroup(LANE.group, name, streams, count=count))
        for key, found in reply or ():
            for id_, fields in found:
                entry = Entry(key.decode(), id_.decode(), fields)
                self.model.read(entry.text(MARK), Held(entry.key, entry.id, name))
                self.seen.append((name, entry))

    @rule(name=who, absent=st.booleans())
    def crash(self, name: str, absent: bool) -> None:  # noqa: FBT001  # Hypothesis passes it by name
        self.model.alive.discard(name)
        if absent:
            self.run(self.redis.zrem(LANE.alive, name))
        else:
            self.run(self.redis.zadd(LANE.alive, {name: 1}))
            self.run(self.redis.expire(LANE.alive, 60))
        for entry in self.model.held_by(name):
            self.age(entry, Idle.SILENT)

    @rule(name=who, by=who, again=st.booleans())
    def die_with_all_there_is(self, name: str, by: str, again: bool) -> None:  # noqa: FBT001  # as above
        self.read(name=name, count=10)
        self.crash(name=name, absent=True)
        self.come_to_life(name=by)
        self.reclaim(name=by)
        if again:
            self.come_to_life(name=name)

    @rule(name=who)
    def come_to_life(self, name: str) -> None:
        self.run(self.moves[name].renew(LANE))
        self.model.alive.add(name)

    @precondition(lambda self: any(isinstance(entry.place, Held) for entry in self.model.entries.values()))
    @rule(n=nth)
    def get_stuck(self, n: int) -> None:
        held = [entry for entry in self.model.entries.values() if isinstance(entry.place, Held)]
        self.age(held[n % len(held)], Idle.STUCK)

    def age(self, entry: Modelled, idle: Idle) -> None:
        assert isinstance(entry.place, Held)
        place, entry.idle = entry.place, max(idle, entry.idle, key=lambda one: one.value)
        held: list[Any] = [place.entry_id]
        idle_ms = IDLE_MS[entry.idle]
        self.run(self.redis.xclaim(place.key, LANE.group, place.consumer, 0, held, idle=idle_ms, justid=True))

    @rule(name=who)
    def reclaim(self, name: str) -> None:
        reasons: list[str] = []
        poisonous: list[str] = []
        for key in LANE.read_keys:
            taken = self.run(self.moves[name].reclaim(LANE, key, silent=SILENT, stuck=STUCK, start="-"))
            reasons += taken.reasons
            for entry, crashes, _ in taken.poisonous:
                assert crashes == entry.crashes >= MAX_CRASHES
                poisonous.append(entry.text(MARK))
                self.seen.append((name, entry))
        expected_reasons, expected_poisonous = self.model.reclaim(name)
        assert sorted(reasons) == sorted(expected_reasons)
        assert sorted(poisonous) == sorted(expected_poisonous)

    @precondition(lambda self: self.seen)
    @rule(
        n=nth,
        is_late=st.booleans(),
        how=st.sampled_from(("put off", "put off for long", "hand back", "bury", "finish")),
    )
    def settle(self, n: int, is_late: bool, how: str) -> None:  # noqa: FBT001  # Hypothesis passes it by name
        """Settle what some consumer read; a late one may long have lost it."""
        held = [(name, entry) for name, entry in self.seen if self.model.mine(name, entry.key, entry.id)]
        choice = self.seen if is_late else held or self.seen
        name, entry = choice[-1 - n % len(choice)]
        mine = self.model.mine(name, entry.key, entry.id)
        match how:
            case "finish":
                self.finish(name, entry)
            case "bury":
                letter = {field: value for field, value in entry.fields.items() if field not in NOTES}
                assert self.run(self.moves[name].bury(LANE, entry, letter)) is (mine is not None)
                if mine is not None:
                    mine.place = "dead"
            case "hand back":
                moved = self.run(self.moves[name].hand_back(LANE, entry.key, [entry.id], only=True))
                assert moved == (mine is not None)
                if mine is not None:
                    self.model.due_again(mine)
            case _:
                self.put_off(name, entry, timedelta(hours=how == "put off for long"))

    def finish(self, name: str, entry: Entry) -> None:
        found = self.model.at(entry.key, entry.id)  # not fenced: whoever holds it
        self.run(self.moves[name].done(LANE, entry.key, [entry.id]))
        if found is not None:
            found.place = "done"

    def put_off(self, name: str, entry: Entry, wait: timedelta) -> None:
        mine = self.model.mine(name, entry.key, entry.id)
        notes = {ATTEMPT: entry.attempt + 1}
        assert self.run(self.moves[name].postpone(LANE, entry, wait=wait, notes=notes)) is (mine is not None)
        if mine is not None:
            # Where it was claimed to be buried, its crash is noted on what the consumer has in hand.
            mine.crashes, mine.taken_from = entry.crashes, entry.taken_from
            self.model.postpone(mine, is_due=not wait)

    @rule(name=who, n=nth)
    def hand_back_all_but_one(self, name: str, n: int) -> None:
        held = self.model.held_by(name)
        kept = held[n % len(held)].place if held else None
        moved = 0
        for key in LANE.read_keys:  # two streams may well give the same id
            ids = [kept.entry_id] if isinstance(kept, Held) and kept.key == key else []
            moved += self.run(self.moves[name].hand_back(LANE, key, ids, only=False))
        assert moved == max(0, len(held) - 1)
        for entry in held:
            if entry.place != kept:
                self.model.due_again(entry)

    @rule(name=who, later=st.booleans())
    def promote(self, name: str, later: bool) -> None:  # noqa: FBT001  # Hypothesis passes it by name
        if later:
            members: Any = self.run(self.redis.zrange(LANE.delayed, 0, -1))
            for member in members:
                self.run(self.redis.zadd(LANE.delayed, {member: 1}, xx=True))
            self.model.let_all_be_due()
        assert self.run(self.moves[name].promote(LANE, limit=500)) == self.model.promote()

    @precondition(lambda self: any(entry.place == "dead" for entry in self.model.entries.values()))
    @rule(name=who)
    def replay(self, name: str) -> None:
        (id_, fields), *_ = self.run(raw_entries(self.redis, LANE.dead))
        replayed = {field: value for field, value in fields.items() if field != b"last"}
        assert self.run(self.moves[name].replay(LANE, id_.decode(), replayed))
        assert not self.run(self.moves[name].replay(LANE, id_.decode(), replayed))
        self.model.replay(fields[MARK].decode())

    @invariant()
    def every_entry_is_where_the_model_has_it(self) -> None:
        found = self.run(whole_lane(self.redis))
        expected = {
            mark: (entry.place, entry.attempt, entry.crashes, entry.taken_from)
            for mark, entry in self.model.entries.items()
            if entry.place not in {"done", "dead"}
        }
        dead = [mark for mark, entry in self.model.entries.items() if entry.place == "dead"]
        assert len(found) == len({mark for mark, *_ in found}), "an entry is in two places"
        assert {mark: tuple(noted) for mark, *noted in found if noted[0] != "dead"} == expected
        assert sorted(mark for mark, place, *_ in found if place == "dead") == sorted(dead)


Found = tuple[str, Place, int, int, tuple[str, ...]]


async def whole_lane(redis: Redis) -> list[Found]:
    """Look for entries in every place there is."""
    async with redis.pipeline(transaction=False) as asked:
        for key in LANE.read_keys:
            asked.xinfo_groups(key)
            asked.xpending_range(key, LANE.group, "-", "+", 1000)
            asked.xrange(key)
        asked.zrange(LANE.delayed, 0, -1)
        asked.xrange(LANE.dead)
        *streams, members, letters = await asked.execute()
    found: list[Found] = []
    for key, (group,), held, entries in zip(
        LANE.read_keys, streams[::3], streams[1::3], streams[2::3], strict=True
    ):
        holders = {item["message_id"]: item["consumer"].decode() for item in held}
        for id_, fields in entries:
            if id_ in holders:
                found.append(_found(Held(key, id_.decode(), holders.pop(id_)), fields))
            elif _order(id_) > _order(group["last-delivered-id"]):
                found.append(_found(Unread(key), fields))
            else:
                assert key == LANE.facts, f"an acknowledged entry was left on {key}"
        assert not holders, "an entry pends that is no more"
    for member in members:
        flat = [part.encode() for part in json.loads(member)]
        found.append(_found("delayed", dict(zip(flat[::2], flat[1::2], strict=True))))
    found += [_found("dead", fields) for _, fields in letters]
    return found


def _found(place: Place, fields: dict[bytes, bytes]) -> Found:
    entry = Entry("", "0-0", fields)
    return entry.text(MARK), place, entry.attempt, entry.crashes, entry.taken_from


def _order(id_: bytes) -> tuple[int, int]:
    milliseconds, _, number = id_.partition(b"-")
    return int(milliseconds), int(number)


def test_no_order_of_events_loses_an_entry_or_makes_two_of_it(redis_url: str) -> None:
    run_state_machine_as_test(
        lambda: Lanes(redis_url),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
