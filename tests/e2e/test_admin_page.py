"""How an administrator, led by the notice in their inbox, lets a newcomer in: all in a real browser."""

import re
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from contracts.identifiers import new_id
from devstack import visitor
from devstack.stack import Stack
from devstack.visitor import APPROVAL_MAIL, NOTICE_MAIL, Visitor
from tests.support.screens import PHONE, Screen, open_screen

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

MARKUP = "<img src=x onerror=alert(1)>"


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    async with open_screen(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def admin(stack: Stack) -> AsyncIterator[Visitor]:
    async with Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as person:
        yield person


async def let_register(stack: Stack, email: str, *, name: str = "") -> None:
    """Take a newcomer as far as they get alone."""
    async with Visitor.to(stack.environment, email, name=name) as newcomer:
        visitor.expect(await newcomer.register(), 202, "a registration")
        answer = await newcomer.verify(await newcomer.code())
        visitor.expect(answer, 403, "the right code", code="account_pending")


async def change(stack: Stack, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Change accounts behind the page's back."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        await connection.executemany(statement, rows)
    finally:
        await connection.close()


async def sign_in(page: Page, person: Visitor, url: str) -> None:
    """Sign a person in on the login page."""
    await person.skip_mails()
    await page.goto(f"{url}/login")
    await page.fill("#email", person.email)
    await page.click("#start")
    await page.fill("#code", await person.code())
    await page.click("#verify")
    await expect(page.locator("#signed-in")).to_be_visible()


async def test_the_notice_leads_an_administrator_to_an_approval(
    stack: Stack, screen: Screen, admin: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    email = "eve@example.org"
    await let_register(stack, email, name=MARKUP)
    notice = await admin.mail(NOTICE_MAIL)
    link = re.search(r"\S+/admin\b", notice["Text"])
    assert link is not None

    await page.goto(link.group())
    await expect(page.locator("#signed-out")).to_be_visible()
    await page.click("#signed-out a")
    await expect(page).to_have_url(f"{url}/login")
    await sign_in(page, admin, url)
    await expect(page.locator("#heading")).to_have_text("Welcome")
    await expect(page.locator("#heading")).to_be_focused()
    await page.click("#to-admin a")

    row = page.locator("#pending li", has_text=email)
    await expect(row).to_contain_text(MARKUP)
    await expect(row.locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT"))
    assert await page.locator("main li img").count() == 0

    await row.get_by_role("button", name="Approve").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#message")).to_contain_text(f"{MARKUP} is approved")
    await expect(row).to_contain_text("Approved")
    await expect(row).to_be_focused()
    await expect(row.get_by_role("button")).to_have_count(0)
    async with Visitor.to(stack.environment, email) as eve:
        await eve.mail(APPROVAL_MAIL)
        await eve.sign_in()

    await page.click("#refresh")
    await expect(page.locator("#people [data-status=active] li", has_text=email)).to_contain_text(MARKUP)
    await expect(row).to_have_count(0)


async def test_a_member_reads_that_only_administrators_see_it(stack: Stack, screen: Screen) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await let_register(stack, "mia@example.org")
    await change(stack, "UPDATE auth.users SET status = 'active' WHERE email = $1", [("mia@example.org",)])
    async with Visitor.to(stack.environment, "mia@example.org") as mia:
        await sign_in(page, mia, url)
    await expect(page.locator("#to-admin")).to_be_hidden()
    await page.goto(f"{url}/admin")
    await expect(page.locator("#no-admin")).to_contain_text("Only administrators")
    await expect(page.locator("#board")).to_be_hidden()


async def test_what_the_server_refuses_is_told_in_its_words(
    stack: Stack, screen: Screen, admin: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await let_register(stack, "sam@example.org")
    await sign_in(page, admin, url)
    await page.goto(f"{url}/admin")
    approve = page.locator("#pending li", has_text="sam@example.org").get_by_role("button")
    await expect(approve).to_be_visible()

    await change(stack, "UPDATE auth.users SET status = 'suspended' WHERE email = $1", [("sam@example.org",)])
    await approve.click()
    await expect(page.locator("#message")).to_have_text("An account that is suspended cannot be approved.")
    await expect(approve).to_be_enabled()
    await expect(approve).to_be_focused()

    await page.context.set_offline(offline=True)
    await page.click("#refresh")
    await expect(page.locator("#message")).to_contain_text("cannot be reached")
    await page.context.set_offline(offline=False)

    await page.context.clear_cookies()
    await approve.click()
    await expect(page.locator("#signed-out")).to_be_visible()
    await expect(page.locator("#heading")).to_be_focused()
    assert await page.locator("#board li").count() == 0


async def test_a_page_drawn_without_knowing_who_asks_finds_it_out(
    stack: Stack, screen: Screen, admin: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await sign_in(page, admin, url)

    async def draw_for_nobody(route: Route) -> None:
        # What the server draws, too, while its database is away.
        known = await route.request.all_headers()
        drawn = await route.fetch(headers=known | {"cookie": "none=none"})
        assert 'data-view="out"' in await drawn.text()
        await route.fulfill(response=drawn)

    await page.route(f"{url}/admin", draw_for_nobody)
    await page.goto(f"{url}/admin")
    await expect(page.locator("#people li", has_text=admin.email)).to_contain_text("administrator")
    await expect(page.locator("#signed-out")).to_be_hidden()


async def test_many_are_shown_page_by_page_and_fit_a_phone(
    stack: Stack, screen: Screen, admin: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await change(
        stack,
        "INSERT INTO auth.users (id, email, name, locale, role, status, version)"
        " VALUES ($1, $2, $3, 'en', 'member', $4, 1)",
        [
            (new_id(), f"{'a' * 60}.{number}.{status}@{'b' * 60}.example.org", "W" * 100, status)
            for status in ("pending", "active", "rejected")
            for number in range(60)
        ],
    )
    await page.set_viewport_size(PHONE)
    await sign_in(page, admin, url)
    await page.goto(f"{url}/admin")
    for group in ("#pending", "[data-status=rejected]"):
        rows = page.locator(f"{group} li")
        await expect(rows).to_have_count(50)
        await page.locator(group).get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(60)
        await expect(rows.nth(50)).to_be_focused()
        await expect(page.locator(group).get_by_role("button", name="Show more")).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
