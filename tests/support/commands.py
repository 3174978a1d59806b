"""A service's command as a real process, in a folder where no stray `.env` is."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
BARE: Final = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
"""Nothing of the caller's environment but PATH, and what Python needs."""


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    output: str
    errors: str


async def start(module: str, *words: str, folder: Path, settings: Mapping[str, str]) -> Process:
    """Start `python -m MODULE WORDS`."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *words),
        cwd=folder,
        env=BARE | dict(settings),
        stdout=PIPE,
        stderr=PIPE,
    )


async def run(module: str, *words: str, folder: Path, settings: Mapping[str, str]) -> Ended:
    """Run it to its end."""
    process = await start(module, *words, folder=folder, settings=settings)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@asynccontextmanager
async def running(
    module: str, *words: str, folder: Path, settings: Mapping[str, str]
) -> AsyncIterator[Process]:
    """Run it beside what happens within; whatever still runs afterwards is killed."""
    process = await start(module, *words, folder=folder, settings=settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
