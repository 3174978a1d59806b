"""Requests at an even pace, whatever becomes of the earlier ones: the arrangement of tests of outages."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

PER_SECOND = 50


@dataclass(frozen=True, slots=True)
class Answered:
    """How a request was answered, when it was sent and how long it took, in seconds."""

    status: int
    sent_at: float
    took: float


async def steadily(
    ask: Callable[[], Awaitable[httpx.Response]], *, until_set: asyncio.Event, per_second: int = PER_SECOND
) -> list[Answered]:
    """Ask so often until the event is set; give every answer, of those that were late too."""
    asked: list[asyncio.Task[Answered]] = []
    due = time.monotonic()
    while not until_set.is_set():
        asked.append(asyncio.create_task(_timed(ask)))
        due += 1 / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return await asyncio.gather(*asked)


async def _timed(ask: Callable[[], Awaitable[httpx.Response]]) -> Answered:
    sent_at = time.monotonic()
    answer = await ask()
    return Answered(answer.status_code, sent_at, time.monotonic() - sent_at)
