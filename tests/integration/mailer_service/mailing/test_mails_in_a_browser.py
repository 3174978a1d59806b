"""Mails can be read on phones and on wide screens, by day and by night, in any brand's colour."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.languages import LANGUAGES
from mailer_service.mailing.samples import CODE, SAMPLED, sample_letter
from mailer_service.mailing.templates import Templates, Words
from tests.support import chromium
from tests.support.golden_mails import TEMPLATES

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

LEGIBLE: Final = (Path(chromium.__file__).parent / "legible.js").read_text(encoding="utf-8")
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (375, 1200)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Lend a page that can load nothing from anywhere."""
    context = await browser.new_context(java_script_enabled=True, offline=True)
    yield await context.new_page()
    await context.close()


async def looked_at(page: Page, html: str) -> dict[str, Any]:
    """Show a mail and tell how much text was seen of it, and what can hardly be read."""
    await page.set_content(html)
    found: dict[str, Any] = await page.evaluate(LEGIBLE[LEGIBLE.index("() =>") :])
    return found


async def assert_legible(page: Page, words: Words) -> None:
    for width, scheme in product(WIDTHS, SCHEMES):
        await page.set_viewport_size({"width": width, "height": 700})
        await page.emulate_media(color_scheme=scheme)
        found = await looked_at(page, words.html)
        assert found["faults"] == [], (width, scheme)
        assert found["seen"] >= 5


@pytest.mark.parametrize("mail", SAMPLED)
async def test_a_mail_fits_and_can_be_read_in_light_and_dark(page: Page, mail: str) -> None:
    for language in LANGUAGES:
        await assert_legible(page, TEMPLATES.words(sample_letter(mail, language)))


@pytest.mark.parametrize("color", ["#ffd400", "#0b0b0b", "#ffffff", "#777777", "#00ff00"])
async def test_a_button_can_be_read_in_any_brands_colour(page: Page, color: str) -> None:
    templates = Templates(brand=Brand("Choir", color=color), public_url="https://login.example.org")
    await assert_legible(page, templates.words(sample_letter("otp_and_link", "en")))


async def test_what_is_endless_breaks_instead_of_reaching_beyond(page: Page) -> None:
    for mail in SAMPLED:
        letter = sample_letter(mail, "en")
        endless = {
            name: "W" * 120
            for name, fact in letter.facts.items()
            if isinstance(fact, str) and name not in {"code", "link"}
        }
        await assert_legible(page, TEMPLATES.words(replace(letter, facts={**letter.facts, **endless})))


async def test_a_double_click_takes_the_code_and_nothing_else(page: Page) -> None:
    await page.set_content(TEMPLATES.words(sample_letter("otp_code", "en")).html)
    await page.dblclick(".code")
    assert str(await page.evaluate("() => getSelection().toString()")).strip() == CODE


async def test_what_cannot_be_read_is_found(page: Page) -> None:
    await page.set_viewport_size({"width": 375, "height": 700})
    grey = "<body style='background: #fff'><p style='color: #999'>pale</p>"
    wide = "<body style='background: #fff'><p style='width: 900px'>wide</p>"
    hidden = "<body style='background: #fff'><p style='display: none; color: #fff'>hidden</p><p>seen</p>"
    await page.emulate_media(color_scheme="light")
    assert (await looked_at(page, grey))["faults"] == ["2.85: pale"]
    assert "wider than the window" in (await looked_at(page, wide))["faults"]
    assert await looked_at(page, hidden) == {"seen": 1, "faults": []}
