"""How an administrator, led by the notice in their inbox, decides about others: all in a real browser."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from contracts.identifiers import new_id
from devstack import visitor
from devstack.stack import Stack
from devstack.visitor import APPROVAL_MAIL, NOTICE_MAIL, Visitor
from tests.support.browsing import change, let_in, look_over, sign_in
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


@pytest_asyncio.fixture(loop_scope="module")
async def board(stack: Stack, screen: Screen, admin: Visitor) -> Page:
    """Show an administrator who is here."""
    await sign_in(screen.page, admin, stack.environment["AUTH_URL"], path="/login?return_to=/admin")
    await expect(screen.page.locator("#everyone li").first).to_be_visible()
    return screen.page


async def let_register(stack: Stack, email: str, *, name: str = "") -> None:
    """Take a newcomer as far as they get alone."""
    async with Visitor.to(stack.environment, email, name=name) as newcomer:
        visitor.expect(await newcomer.register(), 202, "a registration")
        answer = await newcomer.verify(await newcomer.code())
        visitor.expect(answer, 403, "the right code", code="account_pending")


def isolated(text: str) -> str:
    """Give a name as it stands inside a sentence: in its own direction."""
    return f"\u2068{text}\u2069"


def row_of(page: Page, email: str, *, within: str = "#everyone") -> Locator:
    return page.locator(f"{within} li", has_text=email)


async def choose(row: Locator, deed: str) -> None:
    """Choose something from a person's menu."""
    await row.locator("summary").click()
    await row.get_by_role("button", name=deed).click()


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
    await expect(page.locator("#email")).to_be_visible()
    await page.fill("#email", admin.email)
    await page.click("#start")
    await page.fill("#code", await admin.code())
    await page.click("#verify")
    await expect(page).to_have_url(f"{url}/admin")

    row = row_of(page, email, within="#pending")
    await expect(row).to_contain_text(MARKUP)
    await expect(row.locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT"))
    assert await page.locator("main li img").count() == 0
    await look_over(page)

    await row.get_by_role("button", name="Approve").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#message")).to_contain_text(f"{isolated(MARKUP)} is approved")
    await expect(row).to_contain_text("Active")
    await expect(row).to_be_focused()
    await expect(row.get_by_role("button")).to_have_count(0)
    await expect(row_of(page, email)).to_contain_text("Decided by admin,")
    async with Visitor.to(stack.environment, email) as eve:
        await eve.mail(APPROVAL_MAIL)
        await eve.sign_in()

    await page.reload()
    await expect(row_of(page, email)).to_contain_text("Decided by admin,")
    await expect(row).to_have_count(0)


async def test_a_rejection_tells_its_reason_and_can_be_undone(stack: Stack, board: Page) -> None:
    email = "rex@example.org"
    await let_register(stack, email, name="Rex")
    await board.reload()
    row = row_of(board, email, within="#pending")
    reject = row.get_by_role("button", name="Reject Rex, rex@example.org")
    await reject.focus()
    await board.keyboard.press("Enter")
    await expect(board.get_by_role("dialog", name="Reject this registration?")).to_be_visible()
    await expect(board.locator("#reason")).to_be_focused()
    await look_over(board)
    await board.keyboard.press("Escape")
    await expect(reject).to_be_focused()

    await reject.click()
    await board.fill("#reason", f"We do not know you.\n\n\t{MARKUP}\n")
    await board.get_by_role("button", name="Reject", exact=True).click()
    await expect(board.locator("#message")).to_contain_text(f"{isolated('Rex')} is rejected")
    await expect(row_of(board, email, within="#pending")).to_be_focused()
    rejected = row_of(board, email)
    await expect(rejected).to_contain_text(f"We do not know you. {MARKUP}")
    async with Visitor.to(stack.environment, email) as rex:
        mail = await rex.mail("")
        assert "We do not know you." in mail["Text"]

    await rejected.get_by_role("button", name="Approve").click()
    await expect(board.locator("#message")).to_contain_text(f"{isolated('Rex')} is approved")
    await expect(rejected).to_be_focused()
    await expect(rejected).to_contain_text("Active")
    await expect(rejected).not_to_contain_text("We do not know you.")


async def test_whoever_is_suspended_is_out_at_their_next_request(
    stack: Stack, board: Page, browser: Browser
) -> None:
    url, email = stack.environment["AUTH_URL"], "sue@example.org"
    await let_in(stack, email, name="Sue")
    await board.reload()
    row = row_of(board, email)
    async with open_screen(browser) as hers, Visitor.to(stack.environment, email) as sue:
        await sign_in(hers.page, sue, url)
        await row.get_by_role("button", name="Suspend").click()
        await board.get_by_role("button", name="Suspend", exact=True).click()
        await expect(row).to_contain_text("Suspended")
        await expect(row).to_be_focused()
        await hers.page.click("#save")
        await expect(hers.page.locator("#message")).to_contain_text("not signed in any more")
        await row.get_by_role("button", name="Reinstate").click()
        await expect(row).to_contain_text("Active")
        await expect(row).to_be_focused()
        await sign_in(hers.page, sue, url)


async def test_someone_is_invited_changed_and_deleted(board: Page) -> None:
    email = "kim@example.org"
    await board.click("#invite")
    await board.click("#invite-dialog [type=submit]")
    await expect(board.locator("#invite-email")).to_be_focused()
    await expect(board.locator("#invite-message")).to_contain_text("not a mail address")
    await board.fill("#invite-email", email)
    await board.fill("#invite-name", "Kim")
    await board.select_option("#invite-locale", "de")
    await look_over(board)
    await board.keyboard.press("Enter")
    await expect(board.locator("#message")).to_contain_text(f"{isolated('Kim')} is invited")
    await expect(board.locator("#invite")).to_be_focused()
    row = row_of(board, email)
    await expect(row).to_contain_text("Invited")

    await choose(row, "Change Kim")
    await expect(board.locator("#change-locale")).to_have_value("de")
    await board.fill("#change-name", "Kim Kimura")
    await board.select_option("#change-role", "admin")
    await board.click("#change-dialog [type=submit]")
    await expect(row).to_contain_text("Kim Kimura")
    await expect(row).to_contain_text("Administrator")
    await expect(row).to_be_focused()

    await choose(row, "Delete Kim Kimura")
    await look_over(board)
    await board.click("#delete-dialog [data-close]")
    await expect(row.locator("summary")).to_be_focused()
    await choose(row, "Delete Kim Kimura")
    await board.get_by_role("button", name="Delete the account").click()
    await expect(board.locator("#message")).to_have_text(f"{isolated('Kim Kimura')} is deleted.")
    await expect(row).to_have_count(0)
    await expect(board.locator("#heading")).to_be_focused()


async def test_what_the_server_refuses_is_told(stack: Stack, board: Page, admin: Visitor) -> None:
    url, email = stack.environment["AUTH_URL"], "sam@example.org"
    await let_in(stack, email, name="Sam", status="pending")
    await board.reload()
    await row_of(board, admin.email).get_by_role("button", name="Suspend").click()
    await board.get_by_role("button", name="Suspend", exact=True).click()
    await expect(board.locator("#reason-message")).to_contain_text("someone else an administrator first")
    await board.keyboard.press("Escape")

    approve = row_of(board, email, within="#pending").get_by_role("button", name="Approve")
    await change(stack, "UPDATE auth.users SET status = 'suspended' WHERE email = $1", [(email,)])
    await approve.click()
    await expect(board.locator("#message")).to_contain_text("does not allow this")
    await expect(approve).to_be_enabled()
    await expect(approve).to_be_focused()

    await board.context.set_offline(offline=True)
    await board.click("#find")
    await expect(board.locator("#message")).to_contain_text("cannot be reached")
    await board.context.set_offline(offline=False)

    await board.context.clear_cookies()
    await approve.click()
    await expect(board.locator("#message")).to_contain_text("not signed in any more")
    await board.goto(f"{url}/admin")
    await expect(board.locator("#email")).to_be_visible()


async def test_the_board_stands_while_the_api_is_away_and_works_again_afterwards(
    stack: Stack, board: Page, admin: Visitor
) -> None:
    await let_in(stack, "wim@example.org", name="Wim", status="pending")

    async def be_away(route: Route) -> None:
        told = {"code": "unavailable", "detail": "The database is away."}
        await route.fulfill(status=503, json=told, headers={"Retry-After": "2"})

    await board.route("**/v1/**", be_away)
    await board.reload()
    await expect(board.locator("#message")).to_contain_text("cannot reach its database")
    await board.click("#find")
    await expect(board.locator("#message")).to_contain_text("cannot reach its database")
    await board.unroute("**/v1/**", be_away)
    await board.click("#find")
    await expect(row_of(board, "wim@example.org", within="#pending")).to_contain_text("Wim")
    await expect(row_of(board, admin.email)).to_contain_text("Administrator")
    await expect(board.locator("#message")).to_have_text("")


async def test_people_are_found_by_name_address_and_status(stack: Stack, board: Page) -> None:
    await let_in(stack, "zoe@example.org", name="Zoë Zimmer")
    await let_in(stack, "zack@example.org", name="Zack", status="suspended")
    rows = board.locator("#everyone li")
    await board.fill("#q", "zoë")
    await board.keyboard.press("Enter")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("zoe@example.org")
    await board.fill("#q", "zack@")
    await board.select_option("#status", "suspended")
    await expect(rows).to_contain_text("Zack")
    await board.select_option("#status", "active")
    await expect(board.locator("#everyone .nobody")).to_be_visible()


async def test_whoever_is_decided_about_joins_a_search_only_where_it_finds_them(
    stack: Stack, board: Page
) -> None:
    await let_in(stack, "tom@example.org", name="Tom")
    for name in ("Ute", "Tomoko"):
        await let_in(stack, f"{name.lower()}@example.org", name=name, status="pending")
    await board.reload()
    await board.fill("#q", "tom")
    await board.select_option("#status", "active")
    rows = board.locator("#everyone li")
    await expect(rows).to_have_count(1)
    for name in ("Ute", "Tomoko"):
        row = row_of(board, f"{name.lower()}@example.org", within="#pending")
        await row.get_by_role("button", name="Approve").click()
        await expect(row).to_contain_text("Active")
        await expect(row).to_be_focused()
    await expect(rows).to_contain_text(["tomoko@example.org", "tom@example.org"])


async def test_a_dialog_stays_until_its_answer_has_come(stack: Stack, board: Page) -> None:
    email, asked, answered = "dora@example.org", asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.continue_()

    await let_in(stack, email, name="Dora", status="pending")
    await board.reload()
    row, dialog = row_of(board, email, within="#pending"), board.locator("#reason-dialog")
    await board.route("**/reject", answer_late)
    await row.get_by_role("button", name="Reject").click()
    await board.get_by_role("button", name="Reject", exact=True).click()
    await asyncio.wait_for(asked.wait(), timeout=10)
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_disabled()
    for _ in range(3):
        await board.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    answered.set()
    await expect(dialog).to_be_hidden()
    await expect(row).to_contain_text("Rejected")
    await expect(row).to_be_focused()

    await row_of(board, email).get_by_role("button", name="Approve").click()
    await row_of(board, email).get_by_role("button", name="Suspend").click()
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_enabled()
    await board.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_one_menu_is_open_at_a_time_and_lists_leave_no_listeners_behind(
    stack: Stack, board: Page
) -> None:
    for name in ("Mia", "Mio"):
        await let_in(stack, f"{name.lower()}@example.org", name=name)
    await board.add_init_script(
        "globalThis.heard = 0;"
        " const add = document.addEventListener.bind(document);"
        " document.addEventListener = (...all) => { heard += 1; add(...all); };"
    )
    await board.reload()
    mia, mio = (row_of(board, f"{name}@example.org").locator("details") for name in ("mia", "mio"))
    for menu, other in ((mia, mio), (mio, mia)):
        await menu.locator("summary").click()
        await expect(menu).to_have_attribute("open", "")
        await expect(other).not_to_have_attribute("open", "")
    danger = mio.get_by_role("button", name="Delete").evaluate("it => getComputedStyle(it).color")
    plain = mio.get_by_role("button", name="Change").evaluate("it => getComputedStyle(it).color")
    assert await danger != await plain
    await board.keyboard.press("Escape")
    await expect(mio).not_to_have_attribute("open", "")
    await expect(mio.locator("summary")).to_be_focused()
    before = await board.evaluate("heard")
    await board.fill("#q", "mio@")
    await board.click("#find")
    await expect(board.locator("#everyone li")).to_have_count(1)
    assert (await board.evaluate("heard"), before > 0) == (before, True)


async def test_the_audit_trail_tells_who_did_what_to_whom(stack: Stack, board: Page) -> None:
    url = stack.environment["AUTH_URL"]
    await let_in(stack, "amy@example.org", name=f"Amy {MARKUP}", status="pending")
    await board.reload()
    await row_of(board, "amy@example.org", within="#pending").get_by_role("button", name="Approve").click()
    amy = row_of(board, "amy@example.org")
    await amy.locator("summary").click()
    await amy.get_by_role("link", name="Audit trail").click()
    await expect(board.locator("#trail li")).to_have_count(1)
    await expect(board.locator("#trail li")).to_contain_text(f"Approved: Amy {MARKUP}, by admin")
    await expect(board.locator("#trail li")).to_contain_text("127.0.0.1")
    await expect(board.locator("#about-person")).to_contain_text("About Amy")
    await look_over(board)
    await board.get_by_role("link", name="Show everyone").click()
    await expect(board).to_have_url(f"{url}/admin/audit")
    await expect(board.locator("#trail")).to_contain_text("Signed in: admin")


async def test_many_are_shown_page_by_page_and_fit_a_phone(stack: Stack, board: Page) -> None:
    await change(
        stack,
        "INSERT INTO auth.users (id, email, name, locale, role, status, version)"
        " VALUES ($1, $2, $3, 'en', 'member', $4, 1)",
        [
            (new_id(), f"{'a' * 60}.{number}.{status}@{'b' * 60}.example.org", "W" * 100, status)
            for status in ("rejected", "pending")
            for number in range(60)
        ],
    )
    await board.set_viewport_size(PHONE)
    await board.reload()
    await expect(board.locator("#everyone li")).to_have_count(50)  # however many wait
    await expect(board.locator("#everyone .pending")).to_have_count(0)
    await board.select_option("#status", "rejected")
    for group in ("#pending", "#everyone"):
        rows = board.locator(f"{group} li")
        await expect(rows).to_have_count(50)
        await board.locator(group).get_by_role("button", name="Show more").click()
        await expect(rows.nth(50)).to_be_focused()
        assert await rows.count() >= 60
        await expect(board.locator(group).get_by_role("button", name="Show more")).to_have_count(0)
    await look_over(board)
