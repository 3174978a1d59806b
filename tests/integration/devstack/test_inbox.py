import asyncio
import os
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest_asyncio

from devstack.foundation import start_inbox
from devstack.supervisor import Supervisor


@pytest_asyncio.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    lent = Supervisor(tmp_path)
    yield lent
    await lent.stop(lent.processes)


async def test_a_mail_sent_by_smtp_is_read_by_http(supervisor: Supervisor) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        smtp_url, page = await start_inbox(supervisor, client, caller=os.environ, port=None)
        port = int(smtp_url.rpartition(":")[2])
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as sender:
            await sender.ehlo()
            assert sender.supports_extension("8bitmime")
            assert sender.supports_extension("smtputf8")
            for number in range(3):
                await sender.send_message(mail(f"Nummer {number} für dich"))
        listed = (await client.get(f"{page}/api/v1/messages")).json()
        assert [each["Subject"] for each in listed["messages"]] == [
            f"Nummer {number} für dich" for number in (2, 1, 0)
        ]
        assert (await client.get(f"{page}/api/v1/message/latest")).json()["Text"].strip() == "Grüß dich"


async def test_many_mails_at_once_all_arrive(supervisor: Supervisor) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        smtp_url, page = await start_inbox(supervisor, client, caller=os.environ, port=None)
        port = int(smtp_url.rpartition(":")[2])

        async def send(number: int) -> None:
            await aiosmtplib.send(mail(f"{number}"), hostname="127.0.0.1", port=port)

        await asyncio.gather(*(send(number) for number in range(50)))
        listed = (await client.get(f"{page}/api/v1/messages", params={"limit": 100})).json()
        assert {each["Subject"] for each in listed["messages"]} == {f"{number}" for number in range(50)}


async def test_the_callers_own_smtp_server_is_taken_as_it_is(supervisor: Supervisor) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        caller = {"MAILER_SMTP_URL": "smtps://mail.example.org:465"}
        assert await start_inbox(supervisor, client, caller=caller, port=None) == (
            caller["MAILER_SMTP_URL"],
            "",
        )
    assert not supervisor.processes


def mail(subject: str) -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "a@example.org", "b@example.org", subject
    written.set_content("Grüß dich", cte="8bit")
    return written
