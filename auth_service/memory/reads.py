"""Reading through the cache: one loads, all who came for the same meanwhile share it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from auth_service.memory.cache import VALUE_BYTES_MAX, Cache, Hit, Nowhere, Taken, Ticket
from auth_service.memory.cache_keys import Place, shape_name
from auth_service.memory.circuit import MemoryAway
from auth_service.memory.metrics import MemoryMetrics

T = TypeVar("T")

log = structlog.get_logger()

WAIT_SECONDS: Final = 0.005
LOOKS_MAX: Final = 10
"""Looks of one reader, who waits between them while another process loads; then this process loads, too."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """What was loaded, and for how long it is true by itself; None is nothing to keep."""

    value: T | None
    fresh: timedelta


Load = Callable[[], Awaitable[Loaded[T]]]


class Reads(Generic[T]):
    """Reads values of one shape. What it gives is no older than the last drop that had ended before.

    Without Redis, or where Redis is slow, everything is loaded, and nothing raised but what `load` raises.
    `bundle_of` names the bundle that a value belongs in: a pointer that leads to another one is forged.
    """

    def __init__(
        self,
        *,
        name: str,
        shape: TypeAdapter[T],
        cache: Cache,
        life: timedelta,
        metrics: MemoryMetrics,
        bundle_of: Callable[[T], str] | None = None,
        looks_max: int = LOOKS_MAX,
    ) -> None:
        self._name = name
        self._shape = shape
        self._shape_name = shape_name(shape)
        self._cache = cache
        self._life = life
        self._bundle_of = bundle_of
        self._looks_max = looks_max
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
        taken: Ticket | None = None
        try:
            for _ in range(self._looks_max):
                match await self._cache.look(place):
                    case Hit(value, bundle):
                        if (found := await self._open(value, bundle, place)) is not None:
                            return found
                    case Ticket() as ticket:
                        self._count("stale" if ticket.stale else "miss")
                        return await self._load_by(ticket, load, place)
                    case Taken(taken):
                        if taken.name in self._loads:
                            break
                        await asyncio.sleep(WAIT_SECONDS)
                    case Nowhere():
                        if not await self._point(place, find):
                            self._count("miss")
                            return None
        except MemoryAway:
            pass
        return await self._load_beside(taken, load, place)

    async def close(self) -> None:
        """Wait for what is being loaded for nobody any more."""
        if under_way := {*self._loads.values(), *self._finds.values()}:
            await asyncio.wait(under_way)

    async def _open(self, value: bytes, bundle: str, place: Place) -> T | None:
        """Give what was found, unless it is not what this place is for: then that is forgotten."""
        try:
            found = self._shape.validate_json(value)
        except ValidationError:  # of another shape after all
            await self._cache.drop([bundle])
            return None
        if not self._belongs(found, bundle):
            await self._forget_pointer(place)
            return None
        self._count("hit")
        return found

    def _belongs(self, value: T, bundle: str) -> bool:
        return self._bundle_of is None or self._bundle_of(value) == bundle

    async def _forget_pointer(self, place: Place) -> None:
        """Have it found anew. What lies in another's bundle would outlive what its own is dropped for."""
        log.warning("cache_pointer_forged", cache=self._name)
        await self._cache.drop([place.key])

    async def _load_beside(self, taken: Ticket | None, load: Load[T], place: Place) -> T | None:
        """Load by another's ticket; where none was seen, nothing tells whose load this reader may share."""
        if taken is None:
            self._count("bypass")
            return (await load()).value
        self._count("shared" if taken.name in self._loads else "bypass")
        return await self._load_by(taken, load, place)

    async def _load_by(self, ticket: Ticket, load: Load[T], place: Place) -> T | None:
        """Load with a ticket, once in this process, and for all who wait, should whoever began it go away.

        Whoever comes here has seen the ticket stand since they began to read, so nothing was dropped between
        its giving and then. A load with it began after its giving, and so after every drop that they must
        see, whoever's load it is and however long ago it began.
        """
        loading = self._loads.get(ticket.name)
        if loading is None:
            loading = asyncio.create_task(self._load(ticket, load, place), name=f"load {self._name}")
            self._loads[ticket.name] = loading
            loading.add_done_callback(lambda done: self._loaded(ticket.name, done))
        return (await asyncio.shield(loading)).value

    def _loaded(self, name: str, done: asyncio.Task[Loaded[T]]) -> None:
        del self._loads[name]
        _heard(done)

    async def _load(self, ticket: Ticket, load: Load[T], place: Place) -> Loaded[T]:
        clock = asyncio.get_running_loop().time
        began, value, fresh = clock(), None, timedelta(0)
        try:
            loaded = await load()
            if loaded.value is not None:
                if self._belongs(loaded.value, ticket.place.key):
                    value = self._shape.dump_json(loaded.value)
                    fresh = loaded.fresh - timedelta(seconds=clock() - began)
                else:
                    await self._forget_pointer(place)
        finally:
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

    async def _point(self, place: Place, find: Load[str] | None) -> bool:
        """Find where the pointer leads, once for all who ask now: it never leads elsewhere."""
        if find is None:
            return False
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
