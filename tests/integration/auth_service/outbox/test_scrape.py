"""A scrape is told what is true then, whoever relays."""

from datetime import timedelta

import pytest_asyncio
from sqlalchemy import update

from auth_service.outbox.scrape import ScrapeLook
from auth_service.storage.database import Database
from auth_service.storage.tables import outbox
from devstack.ports import free_port
from tests.integration.auth_service.outbox.post import Post


@pytest_asyncio.fixture
async def look(post: Post) -> ScrapeLook:
    return ScrapeLook(database=post.database, metrics=post.metrics)


async def test_what_waits_is_told_without_a_relay(post: Post, look: ScrapeLook) -> None:
    await post.append(2)
    async with post.database.engine.begin() as connection:
        await connection.execute(update(outbox).values(occurred_at=outbox.c.occurred_at - timedelta(hours=1)))
    await look.look()
    assert post.sample("auth_outbox_unpublished") == 2
    assert (post.sample("auth_outbox_oldest_seconds") or 0) >= 3600
    assert post.sample("auth_postgres_up") == 1
    await post.relay().sweep()
    await look.look()
    assert post.sample("auth_outbox_unpublished") == 0
    assert post.sample("auth_outbox_oldest_seconds") == 0


async def test_connections_at_work_are_counted(post: Post, look: ScrapeLook) -> None:
    async with post.database.engine.connect():
        await look.look()
        assert post.sample("auth_postgres_connections_in_use") == 1


async def test_without_postgres_the_last_backlog_stays_and_its_absence_is_told(post: Post) -> None:
    await post.append(3)
    await ScrapeLook(database=post.database, metrics=post.metrics).look()
    away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/nothing")
    await ScrapeLook(database=away, metrics=post.metrics).look()
    await away.close()
    assert post.sample("auth_postgres_up") == 0
    assert post.sample("auth_outbox_unpublished") == 3
