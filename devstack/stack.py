"""The whole stack: servers, inbox and services, started in order, kept running, stopped in order."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import httpx

from devstack import services
from devstack.answers import PATIENCE_SECONDS, pages_answer
from devstack.foundation import lay
from devstack.ports import HOST, free_port
from devstack.process import Process
from devstack.servers.identity import let_pass
from devstack.supervisor import Supervisor, together

ADMIN_EMAIL: Final = "admin@example.org"
GRACE_SECONDS: Final = 30.0
SERVERS: Final = ("inbox", "redis", "postgres")
"""What the services stand on, in the order in which it is stopped."""


class Stack:
    """A running stack, for as long as the `async with` lasts.

    `caller` is the environment that the services start from: its `AUTH_…` and `MAILER_…` reach them, and a
    server that its `DATABASE_URL`, `REDIS_URL` or `MAILER_SMTP_URL` names is taken instead of started.
    `port` and `inbox_port` are taken when they are free. Entering raises `StartFailed` when a part cannot
    start, and leaves nothing behind then.
    """

    def __init__(
        self,
        *,
        auths: int = 1,
        mailers: int = 1,
        port: int | None = None,
        inbox_port: int | None = None,
        caller: Mapping[str, str] = os.environ,
        log_format: Literal["json", "console"] = "json",
    ) -> None:
        self._auths = auths
        self._mailers = mailers
        self._port = port
        self._inbox_port = inbox_port
        self._caller = dict(caller)
        self._log_format = log_format
        self._client = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS)
        self._supervisor: Supervisor | None = None
        self.environment: dict[str, str] = {}
        self.started_in_seconds = 0.0

    async def __aenter__(self) -> Self:
        began = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="porter-"))
        let_pass(folder)
        self._supervisor = Supervisor(folder)
        try:
            await self._start(self._supervisor)
        except BaseException:
            await self._stop()
            raise
        self.started_in_seconds = time.monotonic() - began
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def folder(self) -> Path:
        """Where the stack keeps its data, pid files and logs."""
        return self._running().folder

    @property
    def names(self) -> tuple[str, ...]:
        """Name what is kept running: `postgres`, `redis`, `inbox`, `auth-1`, `mailer-1` and so on."""
        return tuple(self._running().processes)

    def process(self, name: str) -> Process:
        """Find what is kept running by its name. Raises `KeyError`."""
        return self._running().processes[name]

    def hold(self, name: str) -> None:
        """Let a process stay down when it next ends, until its `start`."""
        self.process(name).hold()

    def log(self, name: str) -> Path:
        """Name a program's log file."""
        return self._running().log(name)

    def kill_all(self) -> None:
        """End everything at once, for those who cannot wait for the clean stop."""
        if self._supervisor is not None:
            self._supervisor.kill_all()

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("the stack is not running: use it inside 'async with'")
        return self._supervisor

    async def _start(self, supervisor: Supervisor) -> None:
        foundation = await lay(supervisor, self._client, caller=self._caller, inbox_port=self._inbox_port)
        port = free_port(preferred=self._port)
        public_url = f"http://localhost:{port}"
        settings = services.shared_settings(
            foundation, public_url=public_url, caller=self._caller, log_format=self._log_format
        )
        folder = supervisor.folder
        async with together() as group:
            for migration in services.migrations(folder=folder, settings=settings):
                group.create_task(supervisor.run(migration))
        administrator = services.first_administrator(ADMIN_EMAIL, folder=folder, settings=settings)
        ports = (port, *(free_port() for _ in range(1, self._auths)))
        async with together() as group:
            group.create_task(supervisor.run(administrator, keep_log=False))
            doors = [
                group.create_task(self._start_auth(supervisor, number, port, settings))
                for number, port in enumerate(ports, 1)
            ]
            carriers = [
                group.create_task(self._start_mailer(supervisor, number, settings))
                for number in range(1, self._mailers + 1)
            ]
        self.environment = {
            "AUTH_URL": public_url,
            "AUTH_METRICS_URL": doors[0].result(),
            "MAILER_URL": carriers[0].result() if carriers else "",
            "INBOX_URL": foundation.inbox_url,
            "DATABASE_URL": foundation.database_url,
            "REDIS_URL": foundation.redis_url,
            "SMTP_URL": foundation.smtp_url,
            "ADMIN_EMAIL": ADMIN_EMAIL,
            "STACK_DIR": str(folder),
        }

    async def _start_auth(
        self, supervisor: Supervisor, number: int, port: int, settings: Mapping[str, str]
    ) -> str:
        internal = free_port()
        program = services.auth(
            number, port=port, internal_port=internal, folder=supervisor.folder, settings=settings
        )

        async def ready() -> bool:
            return await pages_answer(
                self._client, f"http://{HOST}:{internal}/readyz", f"http://{HOST}:{port}/healthz"
            )

        await supervisor.keep(program, ready=ready, grace_seconds=GRACE_SECONDS)
        return f"http://{HOST}:{internal}/metrics"

    async def _start_mailer(self, supervisor: Supervisor, number: int, settings: Mapping[str, str]) -> str:
        port = free_port()
        program = services.mailer(number, port=port, folder=supervisor.folder, settings=settings)

        async def ready() -> bool:
            return await pages_answer(self._client, f"http://{HOST}:{port}/healthz")

        await supervisor.keep(program, ready=ready, grace_seconds=GRACE_SECONDS)
        return f"http://{HOST}:{port}"

    async def _stop(self) -> None:
        """Stop the services, then what they stand on, and remove the folder."""
        supervisor = self._running()
        await supervisor.stop(name for name in supervisor.processes if name not in SERVERS)
        for name in SERVERS:
            await supervisor.stop([name] if name in supervisor.processes else [])
        await self._client.aclose()
        shutil.rmtree(supervisor.folder, ignore_errors=True)
        self._supervisor = None
