"""`auth-service serve` as one process for a module of tests, and the database behind it."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from auth_service.model.peppers import Peppers, parse_pepper
from auth_service.storage.database import Database
from contracts.sealing import Sealer
from devstack.program import Program
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.process import AUTH, environment
from tests.support.commands import BARE
from tests.support.running import running


@dataclass(frozen=True)
class Service:
    """A running service; its log is a file, so that no full pipe ever holds it up."""

    settings: Mapping[str, str]
    log: Path

    @property
    def url(self) -> str:
        """Where people and programs call it."""
        return self.settings["PUBLIC_URL"]

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """Make a client that tells nothing by itself."""
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=20)

    def inside(self) -> httpx.AsyncClient:
        """Make a client for its internal port."""
        port = self.settings["AUTH_INTERNAL_PORT"]
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20)

    def ready(self) -> bool:
        """Tell whether it can do all its work."""
        try:
            answer = httpx.get(f"{self.url}/readyz", trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json()["status"] == "ready"

    @asynccontextmanager
    async def door(self) -> AsyncIterator[Door]:
        """Lend the flows with this service's keys on its database, which also read what it mails."""
        database = Database(self.settings["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:", 1))
        try:
            yield Door(
                database,
                peppers=Peppers([parse_pepper(each) for each in self.settings["AUTH_PEPPERS"].split(",")]),
                sealer=Sealer(self.settings["SEALING_KEYS"].split(",")),
            )
        finally:
            await database.close()

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend an operator's connection to its database."""
        connection = await asyncpg.connect(self.settings["DATABASE_URL"])
        try:
            yield connection
        finally:
            await connection.close()


@contextmanager
def serving(*, folder: Path, postgres_url: str, redis_url: str, **settings: str) -> Iterator[Service]:
    """Run the service beside what happens within, once it is ready."""
    service = Service(environment(postgres_url, redis_url, **settings), folder / "service.log")
    program = Program(
        name="auth-service",
        command=(sys.executable, "-m", AUTH, "serve"),
        folder=folder,
        environment=BARE | dict(service.settings),
    )
    with running(program, ready=service.ready, log=service.log):
        yield service
