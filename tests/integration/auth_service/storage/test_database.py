import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from auth_service.storage.database import Database
from auth_service.storage.faults import PostgresAway
from devstack.ports import free_port
from tests.integration.auth_service.conftest import sqlalchemy_url
from tests.support.waiting import until


async def test_a_refused_connection_is_postgres_away() -> None:
    database = Database(f"postgresql+asyncpg://porter@127.0.0.1:{free_port()}/porter")
    with pytest.raises(PostgresAway):
        async with database.unit() as unit:
            await unit.users.find("ada@example.org")
    with pytest.raises(PostgresAway):
        await database.answers()
    await database.close()


async def test_a_statement_that_takes_too_long_is_given_up(postgres_url: str) -> None:
    database = Database(sqlalchemy_url(postgres_url), statement_timeout=timedelta(seconds=1))
    with pytest.raises(PostgresAway):
        async with database.unit() as unit:
            await unit.users._connection.execute(text("SELECT pg_sleep(30)"))
    await database.close()


async def test_waiting_for_a_connection_ends(postgres_url: str) -> None:
    database = Database(sqlalchemy_url(postgres_url), connections=1, statement_timeout=timedelta(seconds=1))
    async with database.unit() as unit:
        await unit.now()
        with pytest.raises(PostgresAway):
            await database.answers()
    await database.close()


async def test_connections_that_postgres_closed_are_passed_over(postgres_url: str) -> None:
    database = Database(sqlalchemy_url(postgres_url))
    async with database.unit() as unit:
        pid = (await unit.users._connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        raw = await unit.users._connection.get_raw_connection()
        driver = raw.driver_connection
    assert isinstance(driver, asyncpg.Connection)
    operator = await asyncpg.connect(postgres_url)
    await operator.execute("SELECT pg_terminate_backend($1)", pid)
    await operator.close()
    await until(driver.is_closed, within=5)
    await database.answers()
    await database.close()


async def test_those_who_wait_are_told_after_the_commit_and_only_of_news(postgres_url: str) -> None:
    rung = asyncio.Event()
    database = Database(sqlalchemy_url(postgres_url), on_append=rung.set)
    async with database.unit() as unit:
        await unit.users.find_or_add("ada@example.org")
    assert not rung.is_set()
    await database.close()
