"""Bring the schema `mailer` up to date."""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mailer_service.mailing.table import SCHEMA

SCRIPTS: Final = Path(__file__).parent / "migrations"
LOCK: Final = 0x706F72746D61696C  # "portmail": any number that nobody else locks


def upgrade(sqlalchemy_url: str) -> None:
    """Apply what is missing, in one transaction. Repeatable; two at once wait for each other.

    Blocks, and must not be called inside a running event loop. Raises when Postgres is away.
    """
    asyncio.run(_upgrade(sqlalchemy_url))


async def _upgrade(sqlalchemy_url: str) -> None:
    engine = create_async_engine(sqlalchemy_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_apply)
    finally:
        await engine.dispose()


def _apply(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    # Asked first: CREATE SCHEMA IF NOT EXISTS needs the right to create even where there is nothing to do.
    found = connection.scalar(text("SELECT to_regnamespace(:schema) IS NOT NULL"), {"schema": SCHEMA})
    if not found:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
