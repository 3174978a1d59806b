"""Many small calls become few: while one lot is under way, those that come meanwhile gather for the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from datetime import timedelta
from typing import Final, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

Run = Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]


class Gathering(Generic[Q, A]):
    """Asks `run` for many at once, `most` of them. Who comes alone waits for nobody.

    Lots begin `apart` from each other at least, so that where many come some gather. The next lot goes when
    the one before has its answers, or has waited for them for `patience`: what holds up one lot holds up the
    others no longer than that. `run` gives an answer to each question, in their order, or the exception that
    is one's own; what it raises, each of them gets.
    """

    def __init__(
        self,
        run: Run[Q, A],
        *,
        most: int,
        apart: timedelta = timedelta(milliseconds=5),
        patience: timedelta = timedelta(milliseconds=250),
    ) -> None:
        self._run: Final = run
        self._most: Final = most
        self._apart: Final = apart.total_seconds()
        self._patience: Final = patience.total_seconds()
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._sending: asyncio.Task[None] | None = None
        self._next_at = float("-inf")

    def ask(self, question: Q) -> asyncio.Future[A]:
        """Ask; the answer comes later. It is what `run` gives, or an exception that `run` raises or gives.

        Cancelling it before its lot goes leaves it out; later, what was asked for is done nevertheless.
        """
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._sending is None or self._sending.done():
            # For all who ask: its log lines and spans are not those of who came first.
            self._sending = asyncio.create_task(self._send(), name="gathering", context=Context())
        return answer

    async def _send(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._waiting:
            await asyncio.sleep(self._next_at - clock())
            self._next_at = clock() + self._apart
            lot = [each for each in self._waiting[: self._most] if not each[1].done()]
            del self._waiting[: self._most]
            if lot:
                answering = asyncio.create_task(self._answer(lot), name="lot")
                await asyncio.wait({answering}, timeout=self._patience)

    async def _answer(self, lot: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._run([question for question, _ in lot])
        except Exception as fault:  # noqa: BLE001 - each of them gets it and decides for itself
            for _, answer in lot:
                if not answer.done():
                    answer.set_exception(fault)
        else:
            for (_, answer), given in zip(lot, answers, strict=True):
                if answer.done():
                    continue
                if isinstance(given, Exception):
                    answer.set_exception(given)
                else:
                    answer.set_result(given)
        finally:
            for _, answer in lot:
                answer.cancel()  # nothing, unless this was cancelled itself
