"""A page in a browser, watched for faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize

PHONE: ViewportSize = {"width": 375, "height": 667}
DESK: ViewportSize = {"width": 1200, "height": 850}
PATIENCE_MS = 10_000


class Screen:
    """A page, and what went wrong in it. An answer that the page shows its reader is nothing wrong."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource")
        if message.type in {"error", "warning"} and not (
            refused and "/static/" not in message.location["url"]
        ):
            self.faults.append(message.text)


@asynccontextmanager
async def open_screen(
    browser: Browser, *, language: str = "en-US", scripts: bool = True, phone: bool = False
) -> AsyncIterator[Screen]:
    """Lend a page of a browser that knows nobody yet; fails at the end if anything went wrong in it."""
    context = await browser.new_context(
        locale=language, java_script_enabled=scripts, viewport=PHONE if phone else DESK
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    shown = Screen(page)
    yield shown
    await context.close()
    assert shown.faults == [], shown.faults
