from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from devstack.inbox.app import inbox_app
from devstack.inbox.mailbox import Mailbox

RAW = b"""From: Porter <porter@example.org>
To: =?utf-8?q?L=C3=B6ve?= <ada@example.org>
Subject: Your <b>code</b>
Message-ID: <1@example.org>
Date: Mon, 23 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/plain; charset=utf-8

Code 123456 <script>
--x
Content-Type: text/html; charset=utf-8

<p>Code 123456</p><script>alert(1)</script>
--x--
"""


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest_asyncio.fixture
async def browser(mailbox: Mailbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(inbox_app(mailbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://inbox") as client:
        yield client


def arrive(mailbox: Mailbox, *recipients: str) -> str:
    return mailbox.add(sender="bounce@example.org", recipients=recipients or ["ada@example.org"], raw=RAW).id


async def test_the_list_has_mailpits_fields(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    mail_id = arrive(mailbox)
    listed = (await browser.get("/api/v1/messages")).json()
    assert (listed["total"], listed["messages_count"], listed["count"], listed["start"]) == (1, 1, 1, 0)
    (mail,) = listed["messages"]
    assert mail["ID"] == mail_id
    assert mail["MessageID"] == "1@example.org"
    assert mail["From"] == {"Name": "Porter", "Address": "porter@example.org"}
    assert mail["To"] == [{"Name": "Löve", "Address": "ada@example.org"}]
    assert mail["Bcc"] == []
    assert mail["Subject"] == "Your <b>code</b>"
    assert mail["Snippet"] == "Code 123456 <script>"
    assert mail["Size"] == len(RAW)


async def test_the_list_is_newest_first_in_pages(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    ids = [arrive(mailbox) for _ in range(5)]
    page = (await browser.get("/api/v1/messages", params={"start": 1, "limit": 2})).json()
    assert [mail["ID"] for mail in page["messages"]] == [ids[3], ids[2]]
    assert page["total"] == 5


async def test_a_page_that_is_no_number_is_refused(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/v1/messages", params={"limit": "all"})).status_code == 400


async def test_a_mail_is_read_with_both_bodies(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    mail_id = arrive(mailbox)
    mail = (await browser.get(f"/api/v1/message/{mail_id}")).json()
    assert mail["Text"] == "Code 123456 <script>"
    assert mail["HTML"] == "<p>Code 123456</p><script>alert(1)</script>"
    assert mail["ReturnPath"] == "bounce@example.org"
    assert mail["Date"] == "2026-11-23T10:00:00+00:00"
    assert (await browser.get("/api/v1/message/latest")).json() == mail


async def test_recipients_that_no_header_names_are_blind_copies(
    browser: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    arrive(mailbox, "ada@example.org", "eve@example.org")
    (mail,) = (await browser.get("/api/v1/messages")).json()["messages"]
    assert mail["Bcc"] == [{"Name": "", "Address": "eve@example.org"}]


async def test_headers_and_source_can_be_read(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    mail_id = arrive(mailbox)
    assert (await browser.get(f"/api/v1/message/{mail_id}/headers")).json()["Message-ID"] == [
        "<1@example.org>"
    ]
    source = await browser.get(f"/api/v1/message/{mail_id}/raw")
    assert source.content == RAW
    assert source.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "path", ["/api/v1/message/x", "/api/v1/message/x/headers", "/api/v1/message/x/raw", "/view/x"]
)
async def test_a_mail_that_is_not_there_is_a_404(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_chosen_mails_or_all_can_be_deleted(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    one, two, three = (arrive(mailbox) for _ in range(3))
    await browser.request("DELETE", "/api/v1/messages", json={"IDs": [two]})
    assert [mail.id for mail in mailbox] == [one, three]
    await browser.request("DELETE", "/api/v1/messages")
    assert len(mailbox) == 0


async def test_the_page_lists_mails_and_looks_again_by_itself(
    browser: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    assert "No mail yet" in (await browser.get("/")).text
    mail_id = arrive(mailbox)
    page = (await browser.get("/")).text
    assert f"/view/{mail_id}" in page
    assert "Your &lt;b&gt;code&lt;/b&gt;" in page
    assert 'http-equiv="refresh"' in page


async def test_a_mail_runs_no_script_in_the_page(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    mail_id = arrive(mailbox)
    page = await browser.get(f"/view/{mail_id}")
    assert "<script" not in page.text
    assert (
        f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/view/{mail_id}.html"'
        in page.text
    )
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    html = await browser.get(f"/view/{mail_id}.html")
    assert html.headers["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "allow-scripts" not in html.headers["Content-Security-Policy"]


async def test_the_page_can_forget_all_mails(browser: httpx.AsyncClient, mailbox: Mailbox) -> None:
    arrive(mailbox)
    assert (await browser.post("/forget")).status_code == 303
    assert len(mailbox) == 0
