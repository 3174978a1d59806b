"""The moves of an entry, each one Lua script on one hash slot, by the server's clock.

Names and meaning are the scripts' own (`scripts/*.lua`). Every move but `done` is fenced: it happens only
while the entry is still pending under this consumer's name, and answers False where it is not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from itertools import chain
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ReadOnlyError, ResponseError

from mailer_service.consuming.entries import Entry
from mailer_service.consuming.lanes import Lane

DEAD_LETTERS_MAX: Final = 10_000
DEAD_LETTERS_KEPT: Final = timedelta(days=30)
FORGET_AFTER: Final = timedelta(hours=1)
"""A silent consumer leaves the set of the living after this; long since, its entries were reclaimed."""
RECLAIM_BATCH: Final = 500
WATCH_GAP: Final = timedelta(seconds=5)
"""Half the silence that consumers are judged by: no shorter pause of Redis makes the living look dead."""


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What one look at the pending entries took: reasons of the moved ones, and those to bury."""

    next_id: str
    reasons: tuple[str, ...]
    poisonous: tuple[tuple[Entry, int, str], ...]


class Transitions:
    """Runs the scripts for one consumer. Raises redis-py's errors; a move that raised may have happened."""

    def __init__(self, redis: "Redis", *, consumer: str, max_crashes: int) -> None:
        self.redis = redis
        self.consumer = consumer
        self._max_crashes = max_crashes
        self._scripts: dict[str, AsyncScript] = {}

    async def done(self, lane: Lane, key: str, ids: Sequence[str]) -> None:
        """Acknowledge finished entries of one stream."""
        await self._run("done", [key], [lane.group, _flag(lane, key), *ids])

    async def is_mine(self, lane: Lane, entry: Entry) -> bool:
        """Tell whether an entry still pends under this consumer's name. Raises redis-py's errors."""
        try:
            pending: Any = await self.redis.xpending_range(
                entry.key, lane.group, entry.id, entry.id, 1, self.consumer
            )
        except ResponseError as fault:
            if "NOGROUP" in str(fault):
                return False
            raise
        return bool(pending)

    async def refresh(self, lane: Lane, key: str, ids: Sequence[str]) -> int:
        """Begin anew to count the idle time of entries that are still mine. Tells how many are."""
        return int(await self._run("refresh", [key], [lane.group, self.consumer, *ids]))

    async def postpone(
        self, lane: Lane, entry: Entry, *, wait: timedelta, notes: Mapping[bytes, object]
    ) -> bool:
        """Let an entry wait in the delayed set."""
        member = _member(entry.noted(notes))
        owner = self._owner(lane, entry)
        return bool(
            await self._run(
                "postpone", [entry.key, lane.delayed], [*owner, int(wait.total_seconds() * 1000), member]
            )
        )

    async def bury(self, lane: Lane, entry: Entry, letter: Mapping[bytes, bytes]) -> bool:
        """Keep an entry as a dead letter."""
        age_ms = int(DEAD_LETTERS_KEPT.total_seconds() * 1000)
        arguments = [
            *self._owner(lane, entry),
            DEAD_LETTERS_MAX,
            age_ms,
            *chain.from_iterable(letter.items()),
        ]
        return bool(await self._run("bury", [entry.key, lane.dead], arguments))

    async def split(self, lane: Lane, entry: Entry, *, recipients: int) -> bool:
        """Make one retry entry for each recipient."""
        fields = entry.noted({b"first": entry.first_ms})
        home = lane.suspects if entry.crashes >= self._max_crashes - 1 else lane.retry
        arguments = [*self._owner(lane, entry), recipients, *chain.from_iterable(fields.items())]
        return bool(await self._run("split", [entry.key, home], arguments))

    async def hand_back(self, lane: Lane, key: str, ids: Sequence[str], *, only: bool) -> int:
        """Hand back what pends under my name: `only` these ids, or all but these. Tells how many."""
        mode = "only" if only else "except"
        arguments = [lane.group, self.consumer, _flag(lane, key), self._max_crashes - 1, mode, *ids]
        return int(await self._run("hand_back", [key, lane.retry, lane.suspects], arguments))

    async def promote(self, lane: Lane, *, limit: int) -> int:
        """Move due retries to the retry stream. Tells how many."""
        keys = [lane.delayed, lane.retry, lane.suspects, lane.dead]
        return int(await self._run("promote", keys, [limit, self._max_crashes - 1]))

    async def reclaim(
        self, lane: Lane, key: str, *, silent: timedelta, stuck: timedelta, start: str
    ) -> Reclaimed:
        """Take entries of dead and stuck consumers, from id `start` on."""
        arguments = [
            lane.group,
            self.consumer,
            _flag(lane, key),
            int(silent.total_seconds() * 1000),
            int(stuck.total_seconds() * 1000),
            self._max_crashes,
            RECLAIM_BATCH,
            start,
        ]
        keys = [key, lane.retry, lane.suspects, lane.alive]
        next_id, reasons, poisonous = await self._run("reclaim", keys, arguments)
        return Reclaimed(
            next_id=next_id.decode(),
            reasons=tuple(reason.decode() for reason in reasons),
            poisonous=tuple(
                (Entry(key, id_.decode(), _pairs(fields)), int(crashes), consumer.decode())
                for id_, crashes, consumer, fields in poisonous
            ),
        )

    async def renew(self, lane: Lane, *, gap: timedelta = WATCH_GAP) -> timedelta:
        """Write this consumer's sign of life; tells how long anyone's signs have come without a `gap`."""
        arguments = [
            self.consumer,
            int(FORGET_AFTER.total_seconds() * 1000),
            int(gap.total_seconds() * 1000),
        ]
        watched_ms = await self._run("renew", [lane.alive, lane.watched], arguments)
        return timedelta(milliseconds=int(watched_ms))

    async def leave(self, lane: Lane) -> None:
        """Leave the living: what still pends under this name is reclaimed at once."""
        await self.redis.zrem(lane.alive, self.consumer)

    async def clean(self, lane: Lane, key: str, *, silent: timedelta) -> int:
        """Remove consumers with nothing pending and no life. Tells how many."""
        arguments = [lane.group, self.consumer, int(silent.total_seconds() * 1000)]
        return int(await self._run("clean", [key, lane.alive], arguments))

    async def replay(self, lane: Lane, letter_id: str, fields: Mapping[bytes, bytes]) -> bool:
        """Move one dead letter back to the retry stream with these fields."""
        arguments = [letter_id, *chain.from_iterable(fields.items())]
        return bool(await self._run("replay", [lane.dead, lane.retry], arguments))

    def _owner(self, lane: Lane, entry: Entry) -> list[Any]:
        return [lane.group, self.consumer, _flag(lane, entry.key), entry.id]

    async def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:  # noqa: ANN401  # each script answers in its own shape; the callers above know it
        if (script := self._scripts.get(name)) is None:
            script = self._scripts[name] = self.redis.register_script(source(name))
        try:
            return await cast("Any", script(keys=list(keys), args=list(arguments)))
        except ReadOnlyError:  # a failover: the next connection finds the new master
            await self.redis.connection_pool.disconnect(inuse_connections=False)
            raise


def source(name: str) -> str:
    """Read a script, with what all of them share before it."""
    folder = files(__package__) / "scripts"
    return (folder / "_mine.lua").read_text("utf-8") + (folder / f"{name}.lua").read_text("utf-8")


def _flag(lane: Lane, key: str) -> int:
    return int(lane.is_private(key))


def _member(fields: Mapping[bytes, bytes]) -> bytes:
    """Write fields as a JSON array of their very bytes, as Lua's cjson reads it; Latin-1 keeps each byte."""
    flat = [part.decode("latin-1") for part in chain.from_iterable(fields.items())]
    return json.dumps(flat, ensure_ascii=False).encode("latin-1")


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
