"""One connection to Redis that carries the calls of all requests, side by side.

Calls that come while others are under way leave together, in one write, as soon as those are answered. So a
burst needs no burst of connections, and nothing ever waits for a free one.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError
from redis.typing import EncodableT

from contracts.redis_pools import redis_pool

TOGETHER_MAX: Final = 100
"""Calls in one write."""
WAITING_MAX: Final = 1000
"""Calls that may wait to leave; more than that means that nothing is answered."""
CONNECT_SECONDS: Final = 0.5


class LineLost(Exception):
    """The call was not answered; it may have been done."""


class Line:
    """Asks and answers in order. It knows no deadline: whoever asks decides when to `drop` it.

    Nothing is retried, for what was not answered may have been done. Making one opens nothing.
    """

    def __init__(self, url: str) -> None:
        # No socket_timeout: with one, each write of redis-py makes a task, and on Python 3.11 that may
        # swallow the cancelling by which `drop` ends a flight.
        self._pool = redis_pool(
            url, socket_timeout=None, socket_connect_timeout=CONNECT_SECONDS, socket_keepalive=True
        )
        self._connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own
        self._waiting: deque[tuple[Sequence[EncodableT], asyncio.Future[Any]]] = deque()
        self._leaving: list[tuple[Sequence[EncodableT], asyncio.Future[Any]]] = []
        self._flight: asyncio.Task[None] | None = None

    def ask(self, *command: EncodableT) -> asyncio.Future[Any]:
        """Ask now, be answered later: Redis's reply or its `ResponseError`, as a value.

        The future raises `LineLost` where no answer will come.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= WAITING_MAX:
            answer.set_exception(LineLost("too many calls wait"))
            return answer
        self._waiting.append((command, answer))
        if self._flight is None:
            self._take_off()
        return answer

    def drop(self) -> None:
        """Give up every call there is, and the connection with them; the next call connects anew."""
        if self._flight is not None:
            self._flight.cancel()
        self._lose("dropped")

    async def close(self) -> None:
        """End what is under way and disconnect."""
        flight = self._flight
        self.drop()
        if flight is not None:
            await asyncio.wait({flight})
        await self._connection.disconnect(nowait=True)
        await self._pool.aclose()

    def _take_off(self) -> None:
        self._flight = asyncio.get_running_loop().create_task(self._fly(), name="memory line")
        self._flight.add_done_callback(
            self._landed
        )  # not in `_fly`: one that is cancelled at once never runs

    def _landed(self, _: asyncio.Task[None]) -> None:
        self._flight = None
        if self._waiting:  # asked since, while the old connection went
            self._take_off()

    async def _fly(self) -> None:
        """Carry what waits, until nothing does."""
        landed = False
        try:
            await self._connect()
            while self._waiting:
                await self._carry()
            landed = True
        except (RedisError, OSError) as fault:
            self._lose(type(fault).__name__)
        finally:
            if not landed:
                self._lose("broken")
                await self._connection.disconnect(nowait=True)

    async def _connect(self) -> None:
        """Be connected: anew where the other side has hung up, or says what nobody asked for."""
        if self._connection.is_connected and await self._connection.can_read():
            await self._connection.disconnect(nowait=True)
        if not self._connection.is_connected:
            await self._connection.connect()  # type: ignore[no-untyped-call]  # redis-py's own

    async def _carry(self) -> None:
        self._leaving = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER_MAX))]
        packed = self._connection.pack_commands([command for command, _ in self._leaving])
        await self._connection.send_packed_command(packed, check_health=False)
        for _, answer in self._leaving:
            reply: Any
            try:
                reply = await self._connection.read_response()
            except ResponseError as refusal:  # of this call alone
                reply = refusal
            if not answer.done():
                answer.set_result(reply)
        self._leaving = []

    def _lose(self, reason: str) -> None:
        for _, answer in (*self._leaving, *self._waiting):
            if not answer.done():
                answer.set_exception(LineLost(reason))
                answer.exception()  # told; asyncio need not complain where nobody waits any more
        self._leaving = []
        self._waiting.clear()
