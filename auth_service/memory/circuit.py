"""The circuit around Redis in a request's path: whoever asks loses 50 ms at most, and only the first does.

While it is open nobody asks Redis, except one probe a second in the background, which closes it again.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from prometheus_client import Gauge
from redis.exceptions import NoScriptError, ResponseError
from redis.typing import EncodableT

from auth_service.memory.line import Line, LineLost

log = structlog.get_logger()

PATIENCE: Final = timedelta(milliseconds=50)
PROBE_EVERY: Final = timedelta(seconds=1)
PROBE_PATIENCE: Final = timedelta(milliseconds=500)
"""Nobody waits for a probe, so it may take as long as a new TLS connection over some distance does."""

OVERSLEPT: Final = timedelta(milliseconds=10)
EXTENSIONS_MAX: Final = 4
"""Whoever looks at the clock that much too late was kept from the processor, and so perhaps was Redis: what
is late by then is no outage. They wait once more, but not for ever."""
BUSY_TURNS: Final = 16
"""Turns of the event loop, some of them long where much is going on, in which an answer that has come is
read. In an idle process they are over at once."""

PROBE_KEY: Final = "{auth.memory}:probe"

OF_THE_SERVER: Final = frozenset(
    {"BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY"}
)
"""What a server answers that refuses everybody, or every write. LOADING, NOAUTH and WRONGPASS are not here:
redis-py takes them for a lost connection."""

_NAMED: Final = re.compile(r"permissions to run the '([\w|]+)' command")


class MemoryAway(Exception):
    """Redis cannot be asked now. What was asked for may have been done."""


class Circuit:
    """Asks Redis by one connection, for a whole process. Making one opens nothing.

    `up` shows 1 while it is closed. A failure opens it at once: no answer within `patience`, a lost
    connection, or a server that refuses all writes (read-only, out of memory). What it refuses of one call is
    that call's matter, and logged once for each command.
    """

    def __init__(
        self,
        url: str,
        *,
        up: Gauge,
        patience: timedelta = PATIENCE,
        probe_every: timedelta = PROBE_EVERY,
    ) -> None:
        self._line = Line(url)
        self._up = up
        self._patience = patience.total_seconds()
        self._probe_every = probe_every.total_seconds()
        self._open_since: float | None = None
        self._probing: asyncio.Task[None] | None = None
        self._refused: set[tuple[str, str]] = set()
        self.on_found: Callable[[], object] = lambda: None
        """Called whenever the circuit closes again."""

    @property
    def is_open(self) -> bool:
        """Whether Redis is taken to be away."""
        return self._open_since is not None

    async def warm(self) -> None:
        """Connect before the first request needs it; where Redis is away, learn that."""
        if await self._takes_writes():
            self._up.set(1)
        else:
            self._lost("no answer at the start")

    async def ask(self, *command: EncodableT) -> Any:  # noqa: ANN401 - each command answers in its own shape
        """Ask Redis. Raises `MemoryAway` within `patience`, at once while the circuit is open.

        Raises `ResponseError` for what is wrong with this call alone: a script it does not know, a key of
        another type, a command that this user may not give. A call whose waiter was cancelled is done
        nevertheless.
        """
        if self._open_since is not None:
            raise MemoryAway
        answer = self._line.ask(*command)
        timer = self._watch(answer, extensions=EXTENSIONS_MAX)
        try:
            reply = await answer
        except LineLost as lost:
            self._lost(str(lost))
            raise MemoryAway from lost
        finally:
            timer.cancel()
        if not isinstance(reply, ResponseError):
            return reply
        code = _code(reply)
        if code in OF_THE_SERVER:
            self._lost(code)
            raise MemoryAway from reply
        if not isinstance(reply, NoScriptError):
            self._tell_once(str(command[0]), code, reply)
        raise reply

    async def close(self) -> None:
        """Stop probing and disconnect."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})
        await self._line.close()

    def _watch(self, answer: asyncio.Future[Any], *, extensions: int) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._patience
        return loop.call_at(due, self._judge, answer, due, extensions)

    def _judge(self, answer: asyncio.Future[Any], due: float, extensions: int) -> None:
        """Give up, unless the answer comes now, or it was not Redis alone that was late."""
        if answer.done():
            return
        overslept = asyncio.get_running_loop().time() - due > OVERSLEPT.total_seconds()
        if overslept and extensions:
            self._watch(answer, extensions=extensions - 1)
        else:
            self._give_up(answer, BUSY_TURNS)

    def _give_up(self, answer: asyncio.Future[Any], turns: int) -> None:
        if answer.done():
            return
        if turns:
            asyncio.get_running_loop().call_soon(self._give_up, answer, turns - 1)
        else:
            self._lost("no answer in time")

    def _tell_once(self, command: str, code: str, refusal: ResponseError) -> None:
        named = _NAMED.search(str(refusal))  # in a script it is one of its commands
        told = (named[1] if named else command.lower(), code)
        if told not in self._refused:
            self._refused.add(told)
            log.warning("memory_call_refused", command=told[0], code=code)

    def _lost(self, reason: str) -> None:
        """Open, once; all who wait are told at once."""
        if self._open_since is not None:
            return
        loop = asyncio.get_running_loop()
        self._open_since = loop.time()
        self._up.set(0)
        log.warning("memory_lost", reason=reason)
        self._line.drop()
        self._probing = loop.create_task(self._probe(), name="memory probe")

    async def _probe(self) -> None:
        """Close once Redis takes a write again."""
        while True:
            await asyncio.sleep(self._probe_every)
            if await self._takes_writes():
                break
        away = asyncio.get_running_loop().time() - (self._open_since or 0.0)
        self._open_since = None
        self._up.set(1)
        log.info("memory_found", away_seconds=round(away, 1))
        self.on_found()

    async def _takes_writes(self) -> bool:
        answer = self._line.ask("SET", PROBE_KEY, 1, "PX", 1000)
        await asyncio.wait({answer}, timeout=PROBE_PATIENCE.total_seconds())
        if not answer.done():
            self._line.drop()
        return answer.exception() is None and not isinstance(answer.result(), ResponseError)


def _code(refusal: ResponseError) -> str:
    """Give the word that an error begins with; redis-py cuts off those it knows."""
    return refusal.status_code or str(refusal).partition(" ")[0]
