import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.auth_service.api.site import Site, open_site


@pytest_asyncio.fixture
async def site(postgres_url: str) -> AsyncIterator[Site]:
    async with open_site(postgres_url) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/login", "/register"])
async def test_a_page_keeps_everything_out_that_is_not_ours(site: Site, path: str) -> None:
    async with site.client() as client:
        page = await client.get(path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=|https?://", page.text)


async def test_the_files_a_page_names_are_there(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/login")
        files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        answers = [await client.get(name) for name in files]
    assert len(files) == 3
    assert all(answer.status_code == 200 for answer in answers)
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)


async def test_only_newcomers_are_asked_for_a_name(site: Site) -> None:
    async with site.client() as client:
        login, register = await client.get("/login"), await client.get("/register")
    assert 'id="name"' in register.text
    assert 'id="name"' not in login.text


async def test_whoever_is_signed_in_sees_it_and_a_name_is_never_markup(site: Site) -> None:
    await site.door.member("ada@example.org", name="<img src=x onerror=alert(1)>")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        page = (await browser.get("/login")).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
    assert re.search(r'id="start-form"[^>]* hidden', page)
    assert not re.search(r'id="signed-in"[^>]* hidden', page)


async def test_the_front_door_leads_to_the_login_page(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_asking_for_a_pages_head_is_fine(site: Site) -> None:
    async with site.client() as client:
        assert (await client.head("/login")).status_code == 200
