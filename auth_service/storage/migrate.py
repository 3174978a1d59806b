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
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
