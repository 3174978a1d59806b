"""The audit trail, read in a real browser in its reader's language."""

import pytest
from playwright.async_api import Browser, expect

from devstack.stack import Stack
from devstack.visitor import Visitor
from tests.support.browsing import let_in, look_over, sign_in
from tests.support.screens import open_screen

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

TOLD = {
    "de": (
        ("Angemeldet: Eva", "Verfahren: Code · Neues Gerät: ja"),
        ("Zugriff verweigert: Eva", "Grund: Nur für Administratoren · Aufruf: GET /v1/admin/users"),
    ),
    "pt-BR": (
        ("Entrada: Eva", "Meio: Código · Dispositivo novo: sim"),
        ("Acesso recusado: Eva", "Motivo: Só para administradores · Chamada: GET /v1/admin/users"),
    ),
}


async def test_what_was_done_is_told_in_the_readers_words(stack: Stack, browser: Browser) -> None:
    url = stack.environment["AUTH_URL"]
    await let_in(stack, "eva@example.org", name="Eva")
    async with Visitor.to(stack.environment, "eva@example.org") as eva, open_screen(browser) as hers:
        await sign_in(hers.page, eva, url)
        assert (await hers.page.request.get(f"{url}/v1/admin/users")).status == 403
    async with (
        Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin,
        open_screen(browser, phone=True) as screen,
    ):
        page = screen.page
        await sign_in(page, admin, url)
        for language, told in TOLD.items():
            await expect(
                page.locator("#save")
            ).to_be_enabled()  # the script knows by now what was chosen before
            await page.select_option("#locale", language.replace("-", "_"))
            await page.click("#save")
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await page.goto(f"{url}/admin/audit")
            for what, details in told:
                row = page.locator("#trail li").filter(has_text=what)
                await expect(row.locator(".details")).to_have_text(details)
            await look_over(page)
            await page.goto(f"{url}/account")
