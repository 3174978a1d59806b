import json
import re

import httpx
import pytest

from auth_service.pages.rendering import HEADERS
from tests.integration.auth_service.api.site import Site

OUTSIDE = ("/login", "/register", "/login/link")
INSIDE = ("/account", "/admin", "/admin/audit")
EVERY = (*OUTSIDE, *INSIDE)


async def shown(site: Site, path: str, **headers: str) -> httpx.Response:
    """Open a page as whoever may see it."""
    async with site.browser(**headers) as browser:
        if path in INSIDE:
            await site.sign_in(browser, (await site.door.admin()).email)
        return await browser.get(path)


@pytest.mark.parametrize("path", EVERY)
async def test_a_page_keeps_out_what_is_not_ours_and_the_files_it_names_are_there(
    site: Site, path: str
) -> None:
    page = await shown(site, path)
    keeps_others_out(page)
    await has_its_files(site, page)


def keeps_others_out(page: httpx.Response) -> None:
    """Check what a page allows."""
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self';" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    active = r'<script(?! type="application/json")(?![^>]*\bsrc="/static/)|<style|\son\w+=|style=|https?://'
    assert not re.search(active, page.text)


async def has_its_files(site: Site, page: httpx.Response) -> None:
    """Check that what a page names can be had."""
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    async with site.client() as client:
        answers = [await client.get(name) for name in files]
    assert {name.rpartition(".")[2] for name in files} == {"js", "css", "svg"}
    assert all(answer.status_code == 200 for answer in answers)
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)
    assert all(answer.headers["cache-control"] == "no-cache" for answer in answers)
    scripts = [answer for answer in answers if answer.url.path.endswith(".js")]
    # Browsers run no module of another kind.
    assert all("javascript" in answer.headers["content-type"] for answer in scripts)


@pytest.mark.parametrize(("wish", "language"), [("de-CH", "de"), ("pt", "pt-BR"), ("fr", "en")])
async def test_the_pages_speak_their_readers_language(site: Site, wish: str, language: str) -> None:
    async with site.browser(**{"Accept-Language": wish}) as browser:
        pages = [await browser.get(path) for path in OUTSIDE]
        await site.sign_in(browser, (await site.door.admin()).email)
        await browser.patch("/v1/me", json={"locale": wish})
        pages += [await browser.get(path) for path in INSIDE]
    for page in pages:
        speaks(page, language)


def speaks(page: httpx.Response, language: str) -> None:
    """Check the language of a page and of its scripts."""
    (words,) = re.findall(r'<script type="application/json" id="words">(.*?)</script>', page.text)
    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language
    assert "Accept-Language" in page.headers["vary"]
    assert bool(json.loads(words)["words"]) is (language != "en")


async def test_what_someone_chose_counts_before_their_browsers_wish(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser(**{"Accept-Language": "pt-BR"}) as browser:
        await site.sign_in(browser, "ada@example.org")
        changed = await browser.patch("/v1/me", json={"locale": "de"})
        assert changed.status_code == 200
        page = await browser.get("/account")
    assert '<html lang="de">' in page.text
    assert re.search(r"<h1[^>]*>Ihr Konto</h1>", page.text)


async def test_asking_for_a_pages_head_is_fine(site: Site) -> None:
    async with site.client() as client:
        for path in OUTSIDE:
            head = await client.head(path)
            assert head.status_code == 200
            assert {name: head.headers[name] for name in HEADERS} == HEADERS


async def test_what_is_no_form_takes_none(site: Site) -> None:
    async with site.browser() as browser:
        for path in ("/login/link", *INSIDE):
            assert (await browser.post(path)).status_code == 405


async def test_the_front_door_leads_to_ones_account(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_looking_changes_nothing(site: Site) -> None:
    await site.door.register("grace@example.org")
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        before = (await browser.get("/v1/admin/users")).json(), await site.door.events()
        for path in (*EVERY, "/login/code", "/login?return_to=/admin"):
            await browser.get(path)
            await browser.head(path)
        assert before == ((await browser.get("/v1/admin/users")).json(), await site.door.events())
