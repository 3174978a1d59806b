"""Signing in by a mailed link, in a real browser; the mail has a code, too."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, Route, expect

from devstack.stack import Stack
from devstack.visitor import CODE_MAIL, Visitor
from tests.support.browsing import let_in, look_over
from tests.support.screens import Screen, open_screen
from tests.support.stacks import own_stack

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


APP = "http://app.localhost:1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    async with own_stack(
        LOGIN_METHOD="otp_and_link", AUTH_RETURN_ORIGINS=APP, AUTH_RESEND_COOLDOWN="1"
    ) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    async with open_screen(browser, phone=True) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def ida(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    """Let someone of her own in for each test."""
    email = f"{request.node.name.partition('[')[0].removeprefix('test_')[:50]}@example.org"
    await let_in(stack, email, name="Ida")
    async with Visitor.to(stack.environment, email) as person:
        yield person


async def ask(page: Page, person: Visitor, url: str, *, path: str = "/login") -> str:
    """Ask for a mail on the login page, and give its link."""
    await page.goto(f"{url}{path}")
    await page.fill("#email", person.email)
    await page.click("#start")
    await expect(page.locator("#heading")).to_have_text("Check your mail")
    return await person.link(CODE_MAIL)


def note(asked: list[str], request: Request) -> None:
    asked.append(request.method)


async def test_the_browser_that_asked_is_in_by_one_click(stack: Stack, screen: Screen, ida: Visitor) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    link = await ask(page, ida, url)
    assert link.startswith(f"{url}/login/link#")
    await expect(page.locator("#link-too")).to_be_visible()
    await look_over(page)

    await page.goto(link)
    await expect(page.locator("#sign-in")).to_be_visible()
    assert page.url == f"{url}/login/link"
    await look_over(page)
    await page.click("#sign-in")
    await expect(page).to_have_url(f"{url}/account")
    await expect(page.locator("#sessions li")).to_contain_text("by a link")

    await page.goto(link)
    await page.click("#sign-in")
    await expect(page.locator("#message")).to_have_text("This can no longer be used. Ask for a new mail.")
    await expect(page.locator("#over a")).to_be_visible()


async def test_the_page_that_waits_goes_on_when_the_link_was_used(
    stack: Stack, screen: Screen, ida: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    link = await ask(page, ida, url, path="/login?return_to=/account%3Ffrom=here")
    tab = await page.context.new_page()
    await tab.goto(link)
    await tab.click("#sign-in")
    await expect(tab).to_have_url(f"{url}/account?from=here")
    await page.bring_to_front()
    await expect(page).to_have_url(f"{url}/account?from=here")


async def test_looking_at_a_link_spends_nothing(
    stack: Stack, screen: Screen, browser: Browser, ida: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    link = await ask(page, ida, url)
    for scripts in (True, False):
        async with open_screen(browser, scripts=scripts) as scanner:
            asked: list[str] = []
            scanner.page.on("request", partial(note, asked))
            await scanner.page.goto(link, wait_until="networkidle")
            await expect(scanner.page.locator("#sign-in")).to_be_visible(visible=scripts)
            if not scripts:
                await expect(scanner.page.locator("noscript p").first).to_be_visible()
            assert set(asked) == {"GET"}
    await page.goto(link)
    await page.click("#sign-in")
    await expect(page).to_have_url(f"{url}/account")


async def test_a_link_that_is_opened_elsewhere_asks_first(
    stack: Stack, screen: Screen, browser: Browser, ida: Visitor
) -> None:
    url = stack.environment["AUTH_URL"]
    link = await ask(screen.page, ida, url)
    async with open_screen(browser, phone=True) as stranger, open_screen(browser) as elsewhere:
        for page in (stranger.page, elsewhere.page):
            await page.goto(link)
            await page.click("#sign-in")
            await expect(page.locator("#heading")).to_have_text("Was it you?")
            await expect(page.locator("#masked")).to_contain_text("@")
            assert ida.email not in await page.content()
            await look_over(page)
        await stranger.page.click("#not-me")
        await expect(stranger.page.locator("#unused")).to_be_visible()
        await stranger.page.goto(f"{url}/account")
        await expect(stranger.page.locator("#email")).to_be_visible()

        await elsewhere.page.click("#sign-in-here")
        await expect(elsewhere.page).to_have_url(f"{url}/account")
        await expect(elsewhere.page.locator("[data-own-address]").first).to_have_text(ida.email)
    await screen.page.bring_to_front()
    await expect(screen.page.locator("#message")).to_contain_text("perhaps in another browser")
    await screen.page.goto(f"{url}/account")
    await expect(screen.page.locator("#email")).to_be_visible()


async def test_a_mail_that_is_late_is_told_and_may_be_asked_for_again(
    stack: Stack, screen: Screen, ida: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]

    async def be_late(route: Route) -> None:
        await route.fulfill(json={"state": "open", "delivery": "delayed"})

    await page.route("**/v1/login/challenges/*", be_late)
    first = await ask(page, ida, url)
    await expect(page.locator("#delivery")).to_contain_text("Mail is slow at the moment.")
    await page.click("#resend")  # as soon as it may be pressed
    await expect(page.locator("#message")).to_have_text("We have sent it again. The code is the same.")
    second = await ida.link(CODE_MAIL)
    assert first != second
    await page.goto(second)
    await page.click("#sign-in")
    await expect(page).to_have_url(f"{url}/account")


async def test_a_second_mail_that_has_only_a_link_is_told_to_have_no_code(
    stack: Stack, screen: Screen, ida: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]

    async def send_a_link_only(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "method": "magic_link"})

    await page.route("**/resend", send_a_link_only)
    await ask(page, ida, url)
    await expect(page.locator("#code-form")).to_be_visible()
    await page.click("#resend")
    await expect(page.locator("#message")).to_have_text("We have sent it again.")
    for _ in ("at once", "after a reload"):
        await expect(page.locator("#link-alone")).to_be_visible()
        await expect(page.locator("#code-form")).to_be_hidden()
        await page.reload()


async def test_a_link_without_its_token_says_so(stack: Stack, screen: Screen) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    for fragment in ("", f"#{'A' * 42}"):
        await page.goto(f"{url}/login/link{fragment}")
        await expect(page.locator("#heading")).to_have_text("Open the link again")
        await expect(page.locator("#incomplete")).to_be_visible()
        assert page.url == f"{url}/login/link"
    await page.goto(f"{url}/login/link#{'A' * 43}")  # the same page: only the fragment is another
    await page.click("#sign-in")
    await expect(page.locator("#message")).to_contain_text("can no longer be used")
    await expect(page.locator("#heading")).to_have_text("This link is over")
    await expect(page.locator("#incomplete")).to_be_hidden()


async def test_a_link_page_that_was_loaded_again_does_not_call_a_good_link_over(
    stack: Stack, screen: Screen, ida: Visitor
) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    link = await ask(page, ida, url)
    await page.goto(link)
    await expect(page.locator("#sign-in")).to_be_visible()
    await page.reload()
    await expect(page.locator("#heading")).to_have_text("Open the link again")
    await look_over(page)
    await page.goto(link)
    await page.click("#sign-in")
    await expect(page).to_have_url(f"{url}/account")


async def test_skipping_to_the_content_keeps_the_link(stack: Stack, screen: Screen, ida: Visitor) -> None:
    page, url = screen.page, stack.environment["AUTH_URL"]
    await page.goto(await ask(page, ida, url))
    await expect(page.locator("#heading")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.click("#sign-in")
    await expect(page).to_have_url(f"{url}/account")


async def test_what_went_wrong_before_is_not_told_of_what_comes_next(
    stack: Stack, screen: Screen, browser: Browser, ida: Visitor
) -> None:
    link = await ask(screen.page, ida, stack.environment["AUTH_URL"])
    async with open_screen(browser) as elsewhere:
        page = elsewhere.page
        await page.route("**/v1/login/links/consume", lambda route: route.abort(), times=1)
        await page.goto(link)
        await page.click("#sign-in")
        await expect(page.locator("#message")).to_contain_text("cannot be reached")
        await page.click("#sign-in")
        await expect(page.locator("#heading")).to_have_text("Was it you?")
        await expect(page.locator("#message")).to_be_empty()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_a_sign_in_leads_back_to_the_application_that_sent_for_it(
    stack: Stack, browser: Browser, *, scripts: bool
) -> None:
    url, email = stack.environment["AUTH_URL"], f"{'with' if scripts else 'without'}@example.org"
    await let_in(stack, email)
    async with (
        open_screen(browser, scripts=scripts) as screen,
        Visitor.to(stack.environment, email) as person,
    ):
        page = screen.page
        await page.route(f"{APP}/**", lambda route: route.fulfill(body="Hello from the application"))
        await page.goto(f"{url}/login?return_to={APP}/inbox%3Fa=1")
        await page.fill("#email", email)
        await page.click("#start")
        await page.fill("#code", await person.code())
        await page.click("#verify")
        await expect(page).to_have_url(f"{APP}/inbox?a=1")
        await page.goto(f"{url}/login?return_to={APP}/inbox")
        await expect(page.get_by_role("link", name="Continue to app.localhost:1")).to_be_visible()
