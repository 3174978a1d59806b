from email.message import EmailMessage
from urllib.parse import urlsplit

import aiosmtplib
import asyncpg
import pytest
from redis.asyncio import Redis

from tests.support.inbox import Inbox
from tests.support.waiting import until


async def test_a_lent_database_is_empty_and_works(empty_postgres_url: str) -> None:
    connection = await asyncpg.connect(empty_postgres_url)
    try:
        schemas = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('auth', 'mailer')"
        )
        await connection.execute("CREATE TABLE kept (id int)")
    finally:
        await connection.close()
    assert schemas == []


async def test_a_migrated_database_has_both_services_tables(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        rows = await connection.fetch(
            "SELECT DISTINCT table_schema FROM information_schema.tables"
            " WHERE table_schema IN ('auth', 'mailer')"
        )
    finally:
        await connection.close()
    assert {row["table_schema"] for row in rows} == {"auth", "mailer"}


async def test_a_lent_redis_is_empty_and_works(redis_client: Redis) -> None:
    assert await redis_client.dbsize() == 0
    await redis_client.set("key", "value", ex=60)
    assert await redis_client.get("key") == "value"
    await redis_client.xadd("{stream}", {"field": "value"})


async def test_a_mail_sent_to_the_inbox_is_read_back(inbox: Inbox) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ada <ada@example.org>", "bob@example.org", "Grüße"
    mail.set_content("Hello Bob")
    where = urlsplit(inbox.url)
    await aiosmtplib.send(mail, hostname=where.hostname, port=where.port)
    (message,) = await inbox.wait_for(1)
    assert message["Subject"] == "Grüße"
    assert message.get_content() == "Hello Bob\n"
    assert inbox.mails[0].recipients == ("bob@example.org",)


async def test_a_stopped_inbox_is_away_and_a_started_one_is_back(inbox: Inbox) -> None:
    where = urlsplit(inbox.url)
    client = aiosmtplib.SMTP(hostname=where.hostname, port=where.port, timeout=2)
    await client.connect()
    await inbox.stop()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await client.noop()
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await aiosmtplib.SMTP(hostname=where.hostname, port=where.port, timeout=2).connect()
    await inbox.start()
    async with aiosmtplib.SMTP(hostname=where.hostname, port=where.port, timeout=2) as again:
        assert (await again.noop()).code == 250


async def test_waiting_ends_with_the_first_true_answer() -> None:
    answers = iter((0, "", "here"))
    assert await until(lambda: next(answers), within=5, every=0) == "here"


async def test_waiting_in_vain_names_the_condition() -> None:
    with pytest.raises(AssertionError, match=r"never_true.*last answer: False"):
        await until(never_true, within=0)


def never_true() -> bool:
    return False
