import re

import pytest

from auth_service.pages.routes import HEADERS
from tests.integration.auth_service.api.site import Site

PAGES = ("/login", "/register", "/admin")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_keeps_everything_out_that_is_not_ours(site: Site, path: str) -> None:
    async with site.client() as client:
        page = await client.get(path)
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=|https?://", page.text)


@pytest.mark.parametrize("path", PAGES)
async def test_the_files_a_page_names_are_there(site: Site, path: str) -> None:
    async with site.client() as client:
        page = await client.get(path)
        files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        answers = [await client.get(name) for name in files]
    kinds = {name.rpartition(".")[2] for name in files}
    assert kinds == {"js", "css", "svg"}
    assert all(answer.status_code == 200 for answer in answers)
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)
    assert all(answer.headers["cache-control"] == "no-cache" for answer in answers)


@pytest.mark.parametrize("path", PAGES)
async def test_what_a_script_imports_is_named_by_the_page_and_is_javascript(site: Site, path: str) -> None:
    async with site.client() as client:
        page = await client.get(path)
        (script,) = re.findall(r'<script type="module" src="([^"]+)"', page.text)
        answer = await client.get(script)
    assert "javascript" in answer.headers["content-type"]  # browsers run no module of another kind
    imported = re.findall(r'^import .* from "\./([^"]+)";$', answer.text, flags=re.MULTILINE)
    assert imported
    for name in imported:
        assert f'<link rel="modulepreload" href="/static/{name}">' in page.text


@pytest.mark.parametrize("path", PAGES)
async def test_asking_for_a_pages_head_is_fine_and_posting_to_it_is_not(site: Site, path: str) -> None:
    async with site.client() as client:
        head = await client.head(path)
        posted = await client.post(path)
    assert head.status_code == 200
    assert {name: head.headers[name] for name in HEADERS} == HEADERS
    assert posted.status_code == 405


async def test_the_front_door_leads_to_the_login_page(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
