"""Bring the schema `auth` up to date."""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from auth_service.storage.tables import SCHEMA

SCRIPTS: Final = Path(__file__).with_name("migrations")
_LOCK: Final = 0x706F_7274_6572_0001  # "porter", 1: a number of our own among Postgres's advisory locks


def upgrade(sqlalchemy_url: str) -> None:
    """Run all migrations that are missing, in one transaction; harmless when repeated or run twice at once.

    Blocks, and is not for use within a running event loop.
    """
    asyncio.run(_upgrade(sqlalchemy_url))


async def _upgrade(sqlalchemy_url: str) -> None:
    engine = create_async_engine(sqlalchemy_url, poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_apply)
    finally:
        await engine.dispose()


def _apply(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    # Asked first: CREATE SCHEMA IF NOT EXISTS needs the right to create even where there is nothing to do.
    found = connection.scalar(text("SELECT to_regnamespace(:schema) IS NOT NULL"), {"schema": SCHEMA})
    if not found:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    config = Config()
    # Alembic's configuration takes a bare % for the start of a variable.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
