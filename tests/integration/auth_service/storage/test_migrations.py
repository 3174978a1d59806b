import asyncio
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from auth_service.storage import migrate
from auth_service.storage.migrate import upgrade
from auth_service.storage.tables import SCHEMA, metadata


def _url(postgres_url: str) -> str:
    return f"postgresql+asyncpg://{postgres_url.partition('://')[2]}"


def _differences(connection: Connection) -> list[object]:
    def ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name == SCHEMA

    options = {"include_schemas": True, "include_name": ours, "version_table_schema": SCHEMA}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def _inspect(postgres_url: str) -> tuple[list[object], set[str]]:
    engine = create_async_engine(_url(postgres_url), poolclass=NullPool)
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
        schemas = await connection.execute(
            text("SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema !~ '^pg_'")
        )
        found = set(schemas.scalars())
    await engine.dispose()
    return differences, found - {"information_schema"}


def test_the_migrations_make_the_tables_that_the_code_describes(empty_postgres_url: str) -> None:
    upgrade(_url(empty_postgres_url))
    differences, schemas = asyncio.run(_inspect(empty_postgres_url))
    assert differences == []
    assert schemas == {SCHEMA}


def test_migrating_again_is_harmless(empty_postgres_url: str) -> None:
    upgrade(_url(empty_postgres_url))
    upgrade(_url(empty_postgres_url))
    assert asyncio.run(_inspect(empty_postgres_url))[0] == []


def test_whoever_owns_the_schema_needs_no_right_to_make_one(empty_postgres_url: str) -> None:
    role = f"modest_{secrets.token_hex(4)}"
    modest = make_url(_url(empty_postgres_url)).set(username=role, password="modest")

    async def prepare() -> None:
        engine = create_async_engine(_url(empty_postgres_url), poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'modest'"))
            await connection.execute(text(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {role}"))
        await engine.dispose()

    asyncio.run(prepare())
    for _ in range(2):
        upgrade(modest.render_as_string(hide_password=False))
    assert asyncio.run(_inspect(empty_postgres_url))[0] == []


def test_a_percent_sign_in_the_path_is_a_percent_sign(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "100%(here)s"
    shutil.copytree(migrate.SCRIPTS, scripts)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    upgrade(_url(empty_postgres_url))
    assert asyncio.run(_inspect(empty_postgres_url))[0] == []


def test_two_who_migrate_at_once_do_not_disturb_each_other(empty_postgres_url: str) -> None:
    with ThreadPoolExecutor(max_workers=3) as threads:
        for done in [threads.submit(upgrade, _url(empty_postgres_url)) for _ in range(3)]:
            done.result(timeout=60)
    assert asyncio.run(_inspect(empty_postgres_url))[0] == []
