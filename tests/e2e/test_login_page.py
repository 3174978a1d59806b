"""Registering and signing in as people do it, in a real browser."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from devstack import visitor
from devstack.stack import Stack
from devstack.visitor import Visitor
from tests.support.browsing import let_in, look_over, sign_in
from tests.support.screens import Screen, open_screen

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    async with open_screen(browser) as opened:
        yield opened


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
async def test_a_newcomer_registers_is_approved_and_signs_in(
    stack: Stack, browser: Browser, *, phone: bool
) -> None:
    url = stack.environment["AUTH_URL"]
    async with (
        open_screen(browser, phone=phone) as screen,
        Visitor.to(stack.environment, "bea.phone@example.org" if phone else "bea@example.org") as bea,
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
    ):
        page = screen.page
        await page.goto(f"{url}/register")
        await look_over(page)
        await page.fill("#name", "Bea <b>Bold</b>")
        await page.fill("#email", bea.email)
        await page.keyboard.press("Enter")
        await page.fill("#code", await bea.code())
        await look_over(page)
        await page.keyboard.press("Enter")
        await expect(page.locator("#message")).to_contain_text("administrator")
        await expect(page.locator("#heading")).to_have_text("Almost there")

        await admin.sign_in()
        waiting = visitor.expect(await admin.users("pending"), 200, "who waits")["users"]
        (user,) = (each for each in waiting if each["email"] == bea.email)
        visitor.expect(await admin.approve(user["id"]), 200, "the approval")

        await sign_in(page, bea, url)
        await expect(page).to_have_url(f"{url}/account")
        await expect(page.locator("#name")).to_have_value("Bea <b>Bold</b>")
        await expect(page.locator("#sessions .tag")).to_have_text("This one")
        await look_over(page)

        await page.click("#menu summary")
        await page.click("#sign-out")
        await expect(page).to_have_url(f"{url}/login")
        await page.goto(f"{url}/account")
        await expect(page.locator("#email")).to_be_visible()


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
        await expect(page.locator("#message")).to_have_text("This is not the code. You have 4 more tries.")
        await expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#code")).to_be_focused()
        await page.reload()
        await expect(page.locator("#code")).to_be_visible()
        await page.fill("#code", code)
        await page.click("#verify")
        await expect(page.locator("#menu")).to_be_visible()


async def test_someone_signs_in_without_scripts_and_comes_back_to_where_they_were(
    stack: Stack, browser: Browser
) -> None:
    url = stack.environment["AUTH_URL"]
    await let_in(stack, "noa@example.org", name="Noa")
    async with (
        open_screen(browser, scripts=False, language="de-DE", phone=True) as screen,
        Visitor.to(stack.environment, "noa@example.org") as noa,
    ):
        page = screen.page
        await page.goto(f"{url}/account?from=here")
        await page.fill("#email", noa.email)
        await page.click("#start")
        await expect(page.locator("#heading")).to_have_text("Sehen Sie in Ihr Postfach")
        code = await noa.code()
        await page.fill("#code", "000000" if code != "000000" else "111111")
        await page.click("#verify")
        await expect(page.locator("#message")).to_contain_text("noch 4 Versuche")
        await page.fill("#code", code)
        await page.click("#verify")
        await expect(page).to_have_url(f"{url}/account?from=here")
        await expect(page.locator("#name")).to_have_value("Noa")
        await page.click("#menu summary")
        await page.click("#sign-out")
        await expect(page).to_have_url(f"{url}/login")


async def test_a_mail_may_be_asked_for_again_after_a_while_which_is_told(
    stack: Stack, screen: Screen
) -> None:
    page = screen.page
    await page.goto(f"{stack.environment['AUTH_URL']}/login")
    await page.fill("#email", "nobody@example.org")
    await page.click("#start")
    await expect(page.locator("#delivery")).to_contain_text("on its way")
    await expect(page.locator("#resend")).to_be_disabled()
    await expect(page.locator("#resend")).to_contain_text("Send it again in")
    await page.clock.install()
    await page.clock.run_for(70_000)
    await page.reload()
    await page.clock.run_for(70_000)
    await expect(page.locator("#resend")).to_have_text("Send it again")
    await page.click("#resend")
    await expect(page.locator("#message")).to_contain_text("on its way already")
    await expect(page.locator("#resend")).to_contain_text("Send it again in")
    await expect(page.locator("#resend")).to_be_focused()
    await page.click("#again")
    await expect(page.locator("#email")).to_be_focused()


async def test_a_sign_in_that_was_begun_is_gone_on_with_on_its_own_page_only(
    stack: Stack, screen: Screen
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await page.goto(f"{url}/login?return_to=/account%3Ffrom=here")
    await page.fill("#email", "nobody@example.org")
    await page.click("#start")
    await expect(page.locator("#code")).to_be_visible()
    for other in ("/register", "/login"):
        await page.goto(f"{url}{other}")
        await expect(page.locator("#email")).to_be_visible()
    await page.goto(f"{url}/login?return_to=/account%3Ffrom=here")
    await expect(page.locator("#code")).to_be_visible()


@pytest.mark.parametrize("language", ["de", "pt-BR"])
async def test_the_page_speaks_the_browsers_language(stack: Stack, browser: Browser, language: str) -> None:
    url = stack.environment["AUTH_URL"]
    words = {
        "de": ("Anmelden", "Das ist keine E-Mail-Adresse", "Sehen Sie in Ihr Postfach", "Die E-Mail ist"),
        "pt-BR": ("Entrar", "Isso não é um endereço", "Confira seu e-mail", "O e-mail está a caminho"),
    }[language]
    async with open_screen(browser, language=language) as screen:
        page = screen.page
        await page.goto(f"{url}/login")
        await expect(page.locator("#heading")).to_have_text(words[0])
        await page.fill("#email", "ada")
        await page.click("#start")
        await expect(page.locator("#message")).to_contain_text(words[1])
        await page.fill("#email", "nobody@example.org")
        await page.click("#start")
        await expect(page.locator("#heading")).to_have_text(words[2])
        await expect(page.locator("#delivery")).to_contain_text(words[3])
        await expect(page.locator("html")).to_have_attribute("lang", language)


async def test_whoever_is_signed_out_elsewhere_is_out_at_their_next_request(
    stack: Stack, screen: Screen, browser: Browser
) -> None:
    url = stack.environment["AUTH_URL"]
    await let_in(stack, "tim@example.org", name="Tim")
    async with open_screen(browser) as other, Visitor.to(stack.environment, "tim@example.org") as tim:
        await sign_in(other.page, tim, url)
        await sign_in(screen.page, tim, url)
        await expect(screen.page.locator("#sessions li")).to_have_count(2)
        await screen.page.click("#end-others")
        await expect(screen.page.locator("#message")).to_have_text("You are signed out everywhere else.")
        await expect(screen.page.locator("#sessions li")).to_have_count(1)

        await other.page.click("#save")
        await expect(other.page.locator("#message")).to_contain_text("not signed in any more")
        await other.page.click("#message a")
        await expect(other.page).to_have_url(f"{url}/login?return_to=%2Faccount")
        await expect(other.page.locator("#email")).to_be_visible()
        await screen.page.reload()
        await expect(screen.page.locator("#sessions li")).to_have_count(1)
