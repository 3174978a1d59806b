"""Reading through the cache: one loads, all who came for the same meanwhile share it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from auth_service.memory.cache import VALUE_BYTES_MAX, Cache, Hit, Nowhere, Taken, Ticket
from auth_service.memory.cache_keys import Place, shape_name
from auth_service.memory.circuit import MemoryAway
from auth_service.memory.metrics import MemoryMetrics

T = TypeVar("T")

WAIT_SECONDS: Final = 0.005
LOOKS_MAX: Final = 10
"""Looks of one reader, who waits between them while another process loads; then they load for themselves."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """What was loaded, and for how long it is true by itself; None is nothing to keep."""

    value: T | None
    fresh: timedelta


Load = Callable[[], Awaitable[Loaded[T]]]


class Reads(Generic[T]):
    """Reads values of one shape. What it gives is no older than the last drop that had ended before.

    Without Redis, or where Redis is slow, everything is loaded, and nothing raised but what `load` raises.
    """

    def __init__(
        self, *, name: str, shape: TypeAdapter[T], cache: Cache, life: timedelta, metrics: MemoryMetrics
    ) -> None:
        self._name = name
        self._shape = shape
        self._shape_name = shape_name(shape)
        self._cache = cache
        self._life = life
        self._requests = metrics.cache_requests
        self._fills = metrics.cache_fills
        self._loads: dict[str, asyncio.Task[Loaded[T]]] = {}
        self._finds: dict[str, asyncio.Task[bool]] = {}

    def place(self, key: str, field: str, *, prefix: str = "") -> Place:
        """Give the place of a value of this shape."""
        return Place(key, f"{self._shape_name}:{field}", prefix)

    async def read(self, place: Place, load: Load[T], *, find: Load[str] | None = None) -> T | None:
        """Read what is at `place`, or what `load` gives. `find` tells what a missing pointer holds.

        Where `find` tells nothing, there is nothing.
        """
        try:
            for _ in range(LOOKS_MAX):
                match await self._cache.look(place):
                    case Hit(value, bundle):
                        try:
                            return self._hit(value)
                        except ValidationError:  # of another shape after all
                            await self._cache.drop([bundle])
                    case Ticket() as ticket:
                        self._count("stale" if ticket.stale else "miss")
                        return (await self._load_by(ticket, load)).value
                    case Taken(name) if (loading := self._loads.get(name)) is not None:
                        self._count("shared")
                        return (await asyncio.shield(loading)).value
                    case Taken():
                        await asyncio.sleep(WAIT_SECONDS)
                    case Nowhere():
                        if find is None or not await self._point(place, find):
                            self._count("miss")
                            return None
        except MemoryAway:
            pass
        self._count("bypass")
        return (await load()).value

    async def close(self) -> None:
        """Wait for what is being loaded for nobody any more."""
        if under_way := {*self._loads.values(), *self._finds.values()}:
            await asyncio.wait(under_way)

    def _hit(self, value: bytes) -> T:
        read = self._shape.validate_json(value)
        self._count("hit")
        return read

    async def _load_by(self, ticket: Ticket, load: Load[T]) -> Loaded[T]:
        """Load in a task of its own: others may wait for it when whoever began has gone."""
        loading = asyncio.create_task(self._load(ticket, load), name=f"load {self._name}")
        self._loads[ticket.name] = loading
        loading.add_done_callback(lambda done: self._loaded(ticket.name, done))
        return await asyncio.shield(loading)

    def _loaded(self, name: str, done: asyncio.Task[Loaded[T]]) -> None:
        del self._loads[name]
        _heard(done)

    async def _load(self, ticket: Ticket, load: Load[T]) -> Loaded[T]:
        clock = asyncio.get_running_loop().time
        began, loaded = clock(), None
        try:
            loaded = await load()
        finally:
            if loaded is None or loaded.value is None:
                value, fresh = None, timedelta(0)
            else:
                value = self._shape.dump_json(loaded.value)
                fresh = loaded.fresh - timedelta(seconds=clock() - began)
            await self._fill(ticket, value, fresh=fresh)
        return loaded

    async def _fill(self, ticket: Ticket, value: bytes | None, *, fresh: timedelta) -> None:
        try:
            standing = await self._cache.fill(ticket, value, fresh=fresh, life=self._life)
        except MemoryAway:
            return
        if value is None or len(value) > VALUE_BYTES_MAX or fresh <= timedelta(0):
            result = "not_kept"
        else:
            result = "kept" if standing else "outrun"
        self._fills(self._name, result).inc()

    async def _point(self, place: Place, find: Load[str]) -> bool:
        """Find where the pointer leads, once for all who ask now: it never leads elsewhere."""
        finding = self._finds.get(place.key)
        if finding is None:
            finding = asyncio.create_task(self._find(place.key, find), name=f"find {self._name}")
            self._finds[place.key] = finding
            finding.add_done_callback(lambda done: self._found(place.key, done))
        return await asyncio.shield(finding)

    async def _find(self, pointer: str, find: Load[str]) -> bool:
        found = await find()
        if found.value is None:
            return False
        await self._cache.point(pointer, to=found.value, life=found.fresh)
        return True

    def _found(self, pointer: str, done: asyncio.Task[bool]) -> None:
        del self._finds[pointer]
        _heard(done)

    def _count(self, result: str) -> None:
        self._requests(self._name, result).inc()


def _heard(done: asyncio.Task[Any]) -> None:
    """Take a task's exception, told to whoever waits; asyncio need not complain where nobody does."""
    if not done.cancelled():
        done.exception()
