import re

import httpx
from sqlalchemy import update

from auth_service.model.users import Role, Status
from auth_service.storage.tables import users
from tests.integration.auth_service.api.site import Site

VIEWS = ("signed-out", "no-admin", "board")


def views(page: httpx.Response) -> set[str]:
    """Tell which views a page opens with."""
    assert page.status_code == 200
    return {view for view in VIEWS if not re.search(rf'id="{view}"[^>]* hidden', page.text)}


async def test_whoever_is_signed_out_is_shown_the_way_in(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/admin")
    assert views(page) == {"signed-out"}
    assert re.search(r'id="signed-out".*?not signed in.*?href="/login"', page.text, flags=re.DOTALL)


async def test_a_session_that_is_none_counts_as_signed_out(site: Site) -> None:
    cookie = site.parts.door.cookies.session
    async with site.client(cookies={cookie: "A" * 43}) as client:
        assert views(await client.get("/admin")) == {"signed-out"}


async def test_who_is_no_administrator_reads_that(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        page = await browser.get("/admin")
    assert views(page) == {"no-admin"}
    assert "Only administrators see who is here." in page.text


async def test_an_administrator_gets_the_board_and_it_names_nobody_by_itself(site: Site) -> None:
    await site.door.member("ada@example.org")
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        page = await browser.get("/admin")
    assert views(page) == {"board"}
    assert "@" not in page.text


async def test_who_was_an_administrator_sees_the_board_no_more(site: Site) -> None:
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        async with site.parts.database.engine.begin() as connection:
            await connection.execute(update(users).values(role=Role.MEMBER.value))
        assert views(await browser.get("/admin")) == {"no-admin"}


async def test_every_status_has_its_place(site: Site) -> None:
    async with site.client() as client:
        page = (await client.get("/admin")).text
    assert set(re.findall(r'data-status="(\w+)"', page)) == {status.value for status in Status}


async def test_looking_changes_nothing(site: Site) -> None:
    await site.door.register("grace@example.org")
    root = await site.door.admin()
    async with site.browser() as browser:
        await site.sign_in(browser, root.email)
        before = (await browser.get("/v1/admin/users")).json(), len(await site.door.events())
        await browser.get("/admin")
        assert before == ((await browser.get("/v1/admin/users")).json(), len(await site.door.events()))
