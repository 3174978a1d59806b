"""`auth-service` as a real process, with the settings it needs."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from auth_service.model.peppers import new_pepper
from contracts.sealing import new_key
from devstack.ports import free_port

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    output: str
    errors: str


def environment(postgres_url: str, redis_url: str, **more: str) -> dict[str, str]:
    """Give a whole environment; nothing of the caller's but PATH and what Python needs."""
    port, internal_port = free_port(), free_port()
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SEALING_KEYS": new_key(),
        "AUTH_PEPPERS": new_pepper(),
        "PUBLIC_URL": f"http://localhost:{port}",
        "AUTH_PORT": str(port),
        "AUTH_INTERNAL_PORT": str(internal_port),
        **more,
    }


async def start(*words: str, folder: Path, settings: Mapping[str, str]) -> Process:
    """Start `auth-service WORDS` in a folder where no stray `.env` is."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auth_service.cli", *words),
        cwd=folder,
        env=dict(settings),
        stdout=PIPE,
        stderr=PIPE,
    )


async def run(*words: str, folder: Path, settings: Mapping[str, str]) -> Ended:
    """Run `auth-service WORDS` to its end."""
    process = await start(*words, folder=folder, settings=settings)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@asynccontextmanager
async def running(*words: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run `auth-service WORDS` beside what happens within; whatever still runs afterwards is killed."""
    process = await start(*words, folder=folder, settings=settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
