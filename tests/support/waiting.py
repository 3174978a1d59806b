"""Wait for a condition, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def until(condition: Callable[[], Awaitable[T]], *, within: float, every: float = 0.02) -> T: ...
@overload
async def until(condition: Callable[[], T], *, within: float, every: float = 0.02) -> T: ...
async def until(condition: Callable[[], T | Awaitable[T]], *, within: float, every: float = 0.02) -> T:
    """Ask until `condition` gives something true, and return that.

    `within` and `every` are seconds. Raises `AssertionError` naming the condition and its last answer. An
    exception of the condition ends the wait.
    """
    end = time.monotonic() + within
    while True:
        answer = condition()
        value: T = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"not within {within} s: {_named(condition)} (last answer: {value!r})")
        await asyncio.sleep(every)


def _named(condition: Callable[[], object]) -> str:
    """Show a lambda by its source, anything else by its name."""
    name = getattr(condition, "__qualname__", repr(condition))
    if not name.endswith("<lambda>"):
        return name
    try:
        return " ".join(inspect.getsource(condition).split())
    except OSError:
        return name
