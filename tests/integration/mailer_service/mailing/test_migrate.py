import secrets
from concurrent.futures import ThreadPoolExecutor

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mailer_service.mailing.migrate import SCRIPTS, upgrade
from mailer_service.mailing.table import SCHEMA, metadata


def for_sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://")


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table_schema": SCHEMA,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        },
    )
    return list(compare_metadata(context, metadata))


async def test_the_migrated_table_is_the_one_the_code_speaks_of(postgres_url: str) -> None:
    engine = create_async_engine(for_sqlalchemy(postgres_url), poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_twice_at_once_and_again_is_fine(empty_postgres_url: str) -> None:
    url = for_sqlalchemy(empty_postgres_url)
    with ThreadPoolExecutor(3) as threads:
        for migrated in [threads.submit(upgrade, url) for _ in range(3)]:
            migrated.result()
        threads.submit(upgrade, url).result()
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        versions = await connection.scalars(text("SELECT version_num FROM mailer.alembic_version"))
        assert versions.all() == ["0003"]
    await engine.dispose()


async def test_a_user_without_the_right_to_make_schemas_can_migrate_again(empty_postgres_url: str) -> None:
    url = for_sqlalchemy(empty_postgres_url)
    role = f"modest_{secrets.token_hex(4)}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(upgrade, url).result()
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'modest'"))
            await connection.execute(text(f"ALTER SCHEMA mailer OWNER TO {role}"))
            for table in ("deliveries", "delivery_attempts", "suppressions", "alembic_version"):
                await connection.execute(text(f"ALTER TABLE mailer.{table} OWNER TO {role}"))
        await engine.dispose()
        modest = engine.url.set(username=role, password="modest")
        thread.submit(upgrade, modest.render_as_string(hide_password=False)).result()


def downgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_each_migration_can_be_undone_with_rows_there_and_made_again(postgres_url: str) -> None:
    url = for_sqlalchemy(postgres_url)
    engine = create_async_engine(url, poolclass=NullPool)
    row = (
        "INSERT INTO mailer.deliveries VALUES (gen_random_uuid(), 'a@example.org', 0, '', '', '', 'dead', '')"
    )
    async with engine.begin() as connection:
        await connection.execute(text(row))
        await connection.run_sync(downgrade, "0001")
        tables = await connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'mailer' ORDER BY tablename")
        )
        assert tables.all() == ["alembic_version", "deliveries"]
        kept = await connection.scalars(text("SELECT state FROM mailer.deliveries"))
        assert kept.all() == ["dead"]
    with ThreadPoolExecutor(1) as thread:
        thread.submit(upgrade, url).result()
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
