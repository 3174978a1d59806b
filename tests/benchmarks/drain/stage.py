"""The servers that every system is measured on, one after the other, and what each finds there."""

import asyncio
import json
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import asyncpg
from redis.asyncio import Redis

from contracts.sealing import Sealer, new_key
from devstack.answers import postgres_answers
from devstack.ports import free_port
from devstack.servers.postgres import initialise
from mailer_service.mailing.brand import Brand
from mailer_service.mailing.letters import open_letter
from mailer_service.mailing.templates import Templates
from tests.benchmarks.drain import processes
from tests.benchmarks.drain.publisher import Publisher
from tests.benchmarks.drain.systems import CONNECTIONS, JOBS, ROOT, SILENCE_SECONDS, System
from tests.benchmarks.drain.workers import letter
from tests.benchmarks.drain.workers.porter import otp_requested
from tests.benchmarks.drain.workers.settings import Settings
from tests.chaos.servers import Server, own_redis
from tests.support.postgres import MIGRATIONS
from tests.support.redis_users import as_user

PUBLIC_URL: Final = "https://login.example.org"
FILL_WITHIN_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Postgres that waits for its disk, Redis that appends every second, and what the mails say."""

    folder: Path
    redis: Server
    postgres: Server
    key: str
    """Seals Porter's boxes."""
    database: str = "postgres"
    ledger_is_kept: bool = False
    """Whether what is in the ledger stays there from one measurement to the next."""

    @property
    def database_url(self) -> str:
        """The database that is measured on."""
        return f"{self.postgres.url.rpartition('/')[0]}/{self.database}"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """Lend a connection to that database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            yield connection
        finally:
            await connection.close()

    async def another(self, database: str, *, ledger_is_kept: bool) -> "Stage":
        """Make another database on the same server, with both services' tables."""
        async with self.connection() as connection:
            await connection.execute(f"CREATE DATABASE {database}")
        stage = replace(self, database=database, ledger_is_kept=ledger_is_kept)
        await asyncio.to_thread(_migrate, stage.database_url)
        return stage

    def settings(self, *, smtp_port: int) -> Settings:
        """Tell a worker where everything is."""
        return Settings(
            redis_url=self.redis.url,
            smtp_port=smtp_port,
            connections=CONNECTIONS,
            jobs=JOBS,
            silence_seconds=SILENCE_SECONDS,
            letter=self.folder / "letter.json",
        )

    def environment(self, *, smtp_port: int) -> dict[str, str]:
        """Make a worker's environment, Porter's or another's; nothing of the caller's but PATH and home."""
        return {
            **self.settings(smtp_port=smtp_port).environment(),
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": as_user("mailer", self.redis.url),
            "SEALING_KEYS": self.key,
            "PUBLIC_URL": PUBLIC_URL,
            "LOG_FORMAT": "json",
            "MAILER_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
            "MAILER_SMTP_CONNECTIONS": str(CONNECTIONS),
            "MAILER_SILENT_AFTER": str(SILENCE_SECONDS),
            "MAILER_FROM": "Porter <porter@example.org>",
            "MAILER_PORT": str(free_port()),
        }

    def cpu_seconds(self) -> float:
        """Tell what Redis and Postgres have used, those of its processes that ended among them."""
        return sum(processes.cpu_seconds(_pid(server)) for server in (self.redis, self.postgres))

    async def clear(self) -> None:
        """Forget everything in Redis and, unless they are kept, every delivery."""
        async with Redis.from_url(self.redis.url) as redis:
            await redis.flushall()
        if not self.ledger_is_kept:
            async with self.connection() as connection:
                await connection.execute("TRUNCATE mailer.deliveries, mailer.delivery_attempts")

    async def publisher(
        self, system: System, *, count: int, first: int = 0, per_second: float = 0.0
    ) -> Publisher:
        """Begin to ask a system for mails, in a process of its own."""
        assert system.module is not None
        notes = self.folder / f"published-{free_port()}.txt"
        process = await asyncio.create_subprocess_exec(
            *(system.python, "-m", "tests.benchmarks.drain.workers.publishing", system.module),
            *(str(first), str(count), str(per_second), notes),
            env=self.environment(smtp_port=0),
        )
        return Publisher(process, notes)

    async def fill(self, system: System, count: int) -> None:
        """Ask for mails while nobody sends any."""
        if system.module is not None:
            publisher = await self.publisher(system, count=count)
            await publisher.done(within=FILL_WITHIN_SECONDS)


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Start the servers in a folder of their own, and end them and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="porter-bench-") as place:
        folder, key = Path(place), new_key()
        (folder / "redis").mkdir()
        redis = own_redis(folder / "redis", origin="path" if shutil.which("redis-server") else "wheel")
        database = initialise(
            folder=folder / "postgres", port=free_port(), password=secrets.token_urlsafe(12), origin="wheel"
        )
        postgres = Server(database.url(), database.program(), answers=postgres_answers, crash=signal.SIGINT)
        await redis.start()
        try:
            await postgres.start()
            try:
                await asyncio.to_thread(_migrate, postgres.url)
                _write_letter(folder / "letter.json", key)
                yield Stage(folder, redis, postgres, key)
            finally:
                await postgres.crash()
        finally:
            await redis.crash()


def _pid(server: Server) -> int:
    assert server._process is not None
    return server._process.pid


def _migrate(url: str) -> None:
    for service in MIGRATIONS:
        import_module(service).upgrade(f"postgresql+asyncpg://{url.partition('://')[2]}")


def _write_letter(path: Path, key: str) -> None:
    """Write what Porter's own mail says, for the others to say the same."""
    sealer = Sealer([key])
    event = otp_requested(
        {"address": "nobody@example.org", "name": letter.NAME, "code": letter.CODE}, sealer=sealer
    )
    words = Templates(brand=Brand("Porter"), public_url=PUBLIC_URL).words(
        open_letter(event, position=0, sealer=sealer)
    )
    assert letter.CODE in words.subject
    path.write_text(json.dumps({"subject": words.subject, "text": words.text, "html": words.html}))
