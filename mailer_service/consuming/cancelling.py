"""Cancellation that redis-py cannot swallow: its cancelled commands (8.1) may return like any other."""

import asyncio


async def pause(seconds: float) -> None:
    """Sleep between two rounds of Redis commands; ends the task that was cancelled in either of them."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    await asyncio.sleep(seconds)
