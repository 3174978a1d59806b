"""Databases for tests: one forgetful Postgres a session, a database a test."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from devstack.answers import postgres_answers
from devstack.ports import free_port
from devstack.servers.origin import read_origin
from devstack.servers.postgres import FORGETFUL, Postgres, initialise
from tests.support import blocking
from tests.support.running import running

MIGRATIONS = ("auth_service.storage.migrate", "mailer_service.mailing.migrate")
"""Imported only when a test needs their tables."""


@dataclass(frozen=True)
class Databases:
    """Makes databases, and drops each when its test is over, whoever is still connected."""

    server: Postgres

    @contextmanager
    def fresh(self, *, template: str = "template0") -> Iterator[str]:
        """Lend a database of its own, cloned from `template`; yields its address."""
        name = f"test_{secrets.token_hex(6)}"
        self.create(name, template=template)
        try:
            yield self.server.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def create(self, name: str, *, template: str = "template0") -> None:
        """Make a database that stays until the session ends."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def execute(self, statement: str) -> None:
        """Run a statement that cannot be in a transaction."""

        async def execute() -> None:
            connection = await asyncpg.connect(self.server.url())
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        blocking.run(execute())


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Start the session's Postgres, from PATH or the wheel, as the stack finds it."""
    with TemporaryDirectory(prefix="porter-postgres-") as place:
        server = initialise(
            folder=Path(place) / "postgres",
            port=free_port(),
            password=secrets.token_urlsafe(12),
            origin=read_origin(os.environ.get("DEVSTACK_SERVERS")),
        )

        def ready() -> bool:
            return blocking.run(postgres_answers(server.url()))

        with running(server.program(FORGETFUL), ready=ready, log=Path(place) / "postgres.log"):
            yield Databases(server)


@pytest.fixture(scope="session")
def migrated_template(databases: Databases) -> str:
    """Make the database that has both services' tables, once."""
    name = "migrated"
    databases.create(name)
    _, _, rest = databases.server.url(name).partition("://")
    for service in MIGRATIONS:
        import_module(service).upgrade(f"postgresql+asyncpg://{rest}")
    return name


@pytest.fixture
def empty_postgres_url(databases: Databases) -> Iterator[str]:
    """Lend a fresh database without any table."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def postgres_url(databases: Databases, migrated_template: str) -> Iterator[str]:
    """Lend a fresh database with both services' tables."""
    with databases.fresh(template=migrated_template) as url:
        yield url
