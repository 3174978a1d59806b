"""The cache in Redis: bundles of values that are dropped together, and tickets to fill them.

Nothing is kept that was loaded before a drop: whoever misses gets a ticket before they load, a drop removes
tickets with values, and only whoever still holds a ticket may fill. So a slow reader puts no old row back.
"""

import asyncio
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from redis.exceptions import ResponseError
from redis.typing import EncodableT

from auth_service.memory.cache_keys import GENERATION, Place
from auth_service.memory.cache_seal import CacheSeal, Unreadable
from auth_service.memory.circuit import Circuit, MemoryAway
from auth_service.memory.script import Script

log = structlog.get_logger()

TICKET_LIFE: Final = timedelta(seconds=2)
"""Whoever loads for longer does not fill, and others may begin meanwhile."""

VALUE_BYTES_MAX: Final = 256 * 1024
"""Room for a hundred people on a page of the grid, with the longest names, addresses and reasons there can be
in an alphabet of two bytes a letter."""

FIELDS_MAX: Final = 256
"""Values in a bundle; one more empties it first."""

_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Hit:
    """The value is there, and no older than the last drop that has ended."""

    value: bytes
    bundle: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """The value is not there, or `stale`: load it now, then `fill`."""

    place: Place
    name: str
    stale: bool
    generation: str
    given_ms: int
    """When it was seen to stand, by Redis's clock: what is loaded from then on is fresh from then on."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Someone loads it by this ticket, and nothing was dropped since it was given.

    So whoever waits for them in vain may load with it, too: the first to fill spends it.
    """

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Nowhere:
    """The pointer is not there."""


Sight = Hit | Ticket | Taken | Nowhere


class Cache:
    """Looks, fills and drops through `circuit`; what it keeps is sealed under `secret`.

    All but `drop` raise `MemoryAway`. After any call that was not answered the next one begins a new
    generation first: what could not be dropped is gone with the old one.
    """

    def __init__(self, *, circuit: Circuit, secret: bytes) -> None:
        self.secret = secret
        self._circuit = circuit
        self._seal = CacheSeal(secret)
        self._look, self._fill = Script("look.lua"), Script("fill.lua")
        self._losses = self._settled = 0
        self._giving_back: set[asyncio.Task[None]] = set()
        self._mending: asyncio.Task[None] | None = None
        circuit.on_found = self._mend

    async def look(self, place: Place) -> Sight:
        """Look for a value, in one round trip; where it is not, be the one to load it, or learn who does."""
        name = _new_name()
        try:
            return await self._look_by(name, place)
        except asyncio.CancelledError:  # it is asked nevertheless, and nobody will hear whether a ticket came
            giving = asyncio.get_running_loop().create_task(self._give_back(name, place), name="give back")
            self._giving_back.add(giving)
            giving.add_done_callback(self._giving_back.discard)
            raise

    async def fill(self, ticket: Ticket, value: bytes | None, *, fresh: timedelta, life: timedelta) -> bool:
        """Keep what was loaded with a ticket, fresh for that long; False where it was dropped meanwhile.

        Without a value, or one that is too large or fresh no more, the ticket is given back.
        """
        place, sealed = ticket.place, b""
        fresh_until = ticket.given_ms + fresh // _MILLISECOND
        if value is not None and len(value) <= VALUE_BYTES_MAX and fresh >= _MILLISECOND:
            until = f"{ticket.generation} {fresh_until}"
            sealed = self._seal.seal(value, bundle=place.key, field=place.field, until=until)
        life_ms = max(1, life // _MILLISECOND)
        kept = await self._run(
            self._fill,
            (GENERATION, place.key),
            (place.field, ticket.name, sealed, fresh_until, life_ms, FIELDS_MAX),
        )
        return bool(kept)

    async def point(self, pointer: str, *, to: str, life: timedelta) -> None:
        """Set a pointer. It must lead to the same place for ever, for no drop takes it away."""
        try:
            await self._ask("SET", pointer, to, "PX", max(1, life // _MILLISECOND))
        except ResponseError as refusal:
            raise MemoryAway from refusal

    async def drop(self, bundles: Collection[str]) -> None:
        """Forget bundles whole, and every ticket for them. Raises nothing: see the class."""
        if not bundles:
            return
        try:
            await self._ask("UNLINK", *bundles)
        except MemoryAway:
            pass  # noted, and told by the circuit
        except ResponseError:  # refused, and told: what cannot be dropped may not be read by this process
            self._lost()
        except asyncio.CancelledError:  # nobody will hear whether it was done
            self._lost()
            raise

    async def close(self) -> None:
        """End what is under way in the background; the circuit is its owner's to close."""
        if self._giving_back:
            await asyncio.wait(self._giving_back)
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.wait({self._mending})

    async def _look_by(self, ticket: str, place: Place) -> Sight:
        for _ in range(2):
            what, told, bundle, more = await self._run(
                self._look,
                (GENERATION, place.key),
                (secrets.token_hex(8), place.field, ticket, TICKET_LIFE // _MILLISECOND, place.prefix),
            )
            match what:
                case b"hit":
                    try:
                        value = self._seal.open(
                            told, bundle=bundle.decode(), field=place.field, until=more.decode()
                        )
                    except Unreadable:
                        log.warning("cached_value_unreadable")
                        await self.drop([bundle.decode()])
                        continue
                    return Hit(value, bundle.decode())
                case b"taken":
                    generation, now = more.decode().split(" ")
                    return Taken(
                        Ticket(
                            Place(bundle.decode(), place.field),
                            told.decode(),
                            stale=False,
                            generation=generation,
                            given_ms=int(now),
                        )
                    )
                case b"nowhere":
                    return Nowhere()
                case _:
                    return Ticket(
                        Place(bundle.decode(), place.field),
                        ticket,
                        stale=what == b"stale",
                        generation=more.decode(),
                        given_ms=int(told),
                    )
        raise MemoryAway

    async def _give_back(self, name: str, place: Place) -> None:
        """Give back the ticket `name`, should it have been given: calls are answered in order."""
        try:
            sight = await self._look_by(_new_name(), place)
            if isinstance(sight, Taken) and sight.ticket.name == name:
                sight = sight.ticket
            if isinstance(sight, Ticket):
                await self.fill(sight, None, fresh=timedelta(0), life=TICKET_LIFE)
        except MemoryAway:
            return  # a new generation begins, without it

    async def _run(self, script: Script, keys: Sequence[str], arguments: Sequence[EncodableT]) -> Any:  # noqa: ANN401 - each script answers in its own shape
        try:
            return await script.run(self._ask, keys=keys, arguments=arguments)
        except ResponseError as refusal:
            raise MemoryAway from refusal

    async def _ask(self, *command: EncodableT) -> Any:  # noqa: ANN401 - each command answers in its own shape
        if self._losses != self._settled:
            await self._settle()
        try:
            return await self._circuit.ask(*command)
        except MemoryAway:
            self._lost()
            raise

    async def _settle(self) -> None:
        """Begin a new generation, so that nothing is left that should have been dropped."""
        losses = self._losses
        try:
            await self._circuit.ask("UNLINK", GENERATION)
        except ResponseError as refusal:
            raise MemoryAway from refusal
        self._settled = max(self._settled, losses)

    def _lost(self) -> None:
        self._losses += 1
        if not self._circuit.is_open:  # found again before this was told
            self._mend()

    def _mend(self) -> None:
        """Settle as soon as Redis is found again: others may use it already."""
        if self._mending is None or self._mending.done():
            self._mending = asyncio.get_running_loop().create_task(self._mended(), name="cache mending")

    async def _mended(self) -> None:
        try:
            while self._losses != self._settled:
                await self._settle()
        except MemoryAway:
            return  # once more when it is found


def _new_name() -> str:
    """Name a ticket as none ever was: else what was loaded by an earlier one could be filled by it."""
    return secrets.token_hex(8)
