"""The pages as a person meets them, in a real browser."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from devstack import visitor
from devstack.stack import Stack
from devstack.visitor import Visitor
from tests.support.screens import PHONE, Screen, open_screen

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    async with open_screen(browser) as opened:
        yield opened


async def test_a_newcomer_registers_and_signs_in_by_the_pages(stack: Stack, screen: Screen) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    async with (
        Visitor.to(stack.environment, "bea@example.org") as bea,
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
    ):
        await page.goto(f"{url}/register")
        await page.fill("#name", "Bea <b>Bold</b>")
        await page.fill("#email", bea.email)
        await page.click("#start")
        await page.fill("#code", await bea.code())
        await page.click("#verify")
        await expect(page.locator("#message")).to_contain_text("administrator")

        await admin.sign_in()
        (user,) = visitor.expect(await admin.users("pending"), 200, "who waits")["users"]
        visitor.expect(await admin.approve(user["id"]), 200, "the approval")

        await page.goto(f"{url}/login")
        await page.fill("#email", bea.email)
        await page.click("#start")
        await page.fill("#code", await bea.code())
        await page.click("#verify")
        await expect(page.locator("#signed-in")).to_be_visible()
        await expect(page.locator("#signed-in")).to_contain_text("Bea <b>Bold</b>")

        await page.click("#sign-out")
        await expect(page.locator("#email")).to_be_visible()
        await page.goto(f"{url}/login")
        await expect(page.locator("#email")).to_be_visible()
        await expect(page.locator("#signed-in")).to_be_hidden()


async def test_a_wrong_code_is_told_and_the_right_one_still_works(stack: Stack, screen: Screen) -> None:
    page = screen.page
    async with Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin:
        await page.goto(f"{stack.environment['AUTH_URL']}/login")
        await admin.skip_mails()
        await page.fill("#email", admin.email)
        await page.click("#start")
        code = await admin.code()
        await page.fill("#code", "000000" if code != "000000" else "111111")
        await page.click("#verify")
        await expect(page.locator("#message")).to_contain_text("4")
        await page.fill("#code", code)
        await page.click("#verify")
        await expect(page.locator("#signed-in")).to_be_visible()


@pytest.mark.parametrize("path", ["/login", "/register"])
async def test_the_pages_fit_a_phone(stack: Stack, screen: Screen, path: str) -> None:
    await screen.page.set_viewport_size(PHONE)
    await screen.page.goto(f"{stack.environment['AUTH_URL']}{path}")
    assert await screen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await expect(screen.page.locator("#email")).to_be_in_viewport()
