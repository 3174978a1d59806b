"""One's own account, in a real browser."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from devstack.stack import Stack
from devstack.visitor import CODE, Visitor
from tests.support.browsing import let_in, look_over, sign_in
from tests.support.screens import Screen, open_screen

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    async with open_screen(browser, phone=True) as opened:
        yield opened


async def test_someone_changes_their_name_and_the_page_speaks_their_language(
    stack: Stack, screen: Screen
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await let_in(stack, "una@example.org", name="Una")
    async with Visitor.to(stack.environment, "una@example.org") as una:
        await sign_in(page, una, url)
    await page.fill("#name", "  ")
    await page.click("#save")
    await expect(page.locator("#name")).to_be_focused()
    await expect(page.locator("#message")).to_contain_text("Write a name")
    await page.fill("#name", "Una <i>Una</i>")
    await page.click("#save")
    await expect(page.locator("#message")).to_have_text("Saved.")
    await expect(page.locator("#name")).not_to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#menu summary")).to_have_attribute(
        "aria-label", "Your account: Una <i>Una</i>"
    )

    await page.select_option("#locale", "pt_BR")
    await page.click("#save")
    await expect(page.locator("#heading")).to_have_text("Sua conta")
    await expect(page.locator("#name")).to_have_value("Una <i>Una</i>")
    await expect(page.locator("#sessions li")).to_contain_text("Último uso em")
    await look_over(page)


async def test_an_address_is_changed_by_the_code_that_came_to_the_new_one(
    stack: Stack, screen: Screen
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await let_in(stack, "old@example.org", name="Olga")
    async with (
        Visitor.to(stack.environment, "old@example.org") as old,
        Visitor.to(stack.environment, "new@example.org") as new,
    ):
        await sign_in(page, old, url)
        await page.fill("#new-address", "no address")
        await page.click("#change-address")
        await expect(page.locator("#message")).to_contain_text("not a mail address")
        await page.fill("#new-address", new.email)
        await page.click("#change-address")
        await expect(page.locator("#address-code")).to_be_focused()
        await look_over(page)
        code = CODE.search((await new.mail(""))["Text"])
        assert code is not None
        await page.fill("#address-code", "000000" if code.group() != "000000" else "111111")
        await page.click("#prove-address")
        await expect(page.locator("#message")).to_contain_text("4 more tries")
        await page.fill("#address-code", code.group())
        await page.click("#prove-address")
        await expect(page.locator("#message")).to_have_text("Your address is changed.")
        await expect(page.locator("main strong[data-own-address]").first).to_have_text(new.email)
    await page.reload()
    await expect(page.locator("main strong[data-own-address]").first).to_have_text("new@example.org")


async def test_an_account_is_deleted_only_when_its_address_was_typed(stack: Stack, screen: Screen) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await let_in(stack, "leo@example.org", name="Leo")
    async with Visitor.to(stack.environment, "leo@example.org") as leo:
        await sign_in(page, leo, url)
    await page.click("#delete")
    await expect(page.locator("#typed-address")).to_be_focused()
    await look_over(page)
    await page.keyboard.press("Escape")
    await expect(page.locator("#farewell")).to_be_hidden()
    await expect(page.locator("#delete")).to_be_focused()

    await page.keyboard.press("Enter")
    await page.fill("#typed-address", "someone@example.org")
    await page.keyboard.press("Enter")
    await expect(page.locator("#farewell-message")).to_have_text("This is not your address.")
    await page.fill("#typed-address", "Leo@example.org")
    await page.click("#delete-now")
    await expect(page).to_have_url(f"{url}/login")
    await page.goto(f"{url}/account")
    await expect(page.locator("#email")).to_be_visible()


async def test_the_last_administrator_stays(stack: Stack, screen: Screen) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    async with Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin:
        await sign_in(page, admin, url)
        await page.click("#delete")
        await page.fill("#typed-address", admin.email)
        await page.click("#delete-now")
    await expect(page.locator("#farewell-message")).to_contain_text("someone else an administrator first")
    await page.click("#farewell [data-close]")
    await expect(page.locator("#farewell")).to_be_hidden()
