"""`auth-service` as a real process, with the settings it needs."""

from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from auth_service.model.peppers import new_pepper
from contracts.sealing import new_key
from devstack.ports import free_port
from tests.support import commands
from tests.support.commands import BARE, Ended
from tests.support.no_limits import NO_LIMITS

AUTH: Final = "auth_service.cli"


def environment(postgres_url: str, redis_url: str, **more: str) -> dict[str, str]:
    """Give a whole environment, without limits; nothing of the caller's but PATH and what Python needs."""
    port, internal_port = free_port(), free_port()
    return BARE | {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SEALING_KEYS": new_key(),
        "AUTH_PEPPERS": new_pepper(),
        "PUBLIC_URL": f"http://localhost:{port}",
        "AUTH_PORT": str(port),
        "AUTH_INTERNAL_PORT": str(internal_port),
        **NO_LIMITS,
        **more,
    }


async def run(*words: str, folder: Path, settings: Mapping[str, str]) -> Ended:
    """Run `auth-service WORDS` to its end."""
    return await commands.run(AUTH, *words, folder=folder, settings=settings)


def running(*words: str, folder: Path, settings: Mapping[str, str]) -> AbstractAsyncContextManager[Process]:
    """Run `auth-service WORDS` beside what happens within; whatever still runs afterwards is killed."""
    return commands.running(AUTH, *words, folder=folder, settings=settings)
