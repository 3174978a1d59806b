"""The pages of those who are signed in, as the server draws them."""

import re

import pytest
from sqlalchemy import update

from auth_service.model.users import Role, Status
from auth_service.storage.tables import users
from tests.integration.auth_service.api.site import Site
from tests.integration.auth_service.pages.sheets import Sheet

ADMINISTRATION = ("/admin", "/admin/audit")


async def test_an_account_shows_what_is_known_without_any_script(site: Site) -> None:
    await site.door.member("ada@example.org", name="<b>Ada</b>")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        page = Sheet(await browser.get("/account"))
    assert page.fields("profile")["name"] == "<b>Ada</b>"
    assert "ada@example.org" in page.text
    assert "<b>Ada" not in page.source
    assert "/logout" in page.forms


async def test_an_account_in_a_language_that_no_page_speaks_keeps_it(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        await browser.patch("/v1/me", json={"locale": "fr"})
        page = await browser.get("/account")
    assert re.search(r'<option value="fr" selected>', page.text)
    assert '<html lang="en">' in page.text


@pytest.mark.parametrize("path", ADMINISTRATION)
async def test_members_read_that_this_is_for_administrators(site: Site, path: str) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        answer = await browser.get(path)
    page = Sheet(answer)
    assert (page.status, page.heading) == (403, "For administrators")
    assert not page.links & set(ADMINISTRATION)


async def test_only_administrators_are_shown_the_way_to_the_others(site: Site) -> None:
    await site.door.member("ada@example.org")
    root = await site.door.admin()
    for email, shown in (("ada@example.org", set()), (root.email, set(ADMINISTRATION))):
        async with site.browser() as browser:
            await site.sign_in(browser, email)
            assert Sheet(await browser.get("/account")).links & set(ADMINISTRATION) == shown


@pytest.mark.parametrize("path", ADMINISTRATION)
async def test_who_was_an_administrator_sees_the_board_no_more(site: Site, path: str) -> None:
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        assert (await browser.get(path)).status_code == 200
        async with site.parts.database.engine.begin() as connection:
            await connection.execute(update(users).values(role=Role.MEMBER.value))
        assert (await browser.get(path)).status_code == 403


async def test_the_board_tells_of_nobody_by_itself(site: Site) -> None:
    await site.door.member("grace@example.org", name="Grace")
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        page = Sheet(await browser.get("/admin"))
    assert "grace" not in page.source.lower()
    assert set(re.findall(r'<option value="(\w+)">', page.source)) >= {status.value for status in Status}


async def test_the_audit_trail_is_of_one_person_where_one_is_named(site: Site) -> None:
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        for asked, person in ((str(root.id).upper(), str(root.id)), ("nobody", ""), ('"><script>', "")):
            page = Sheet(await browser.get("/admin/audit", params={"person": asked}))
            assert page.attributes("main")["data-person"] == person
