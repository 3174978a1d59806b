"""What the login page does when an answer is none, in a real browser on a real service."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from auth_service.model.peppers import Peppers, parse_pepper
from auth_service.storage.database import Database
from contracts.sealing import Sealer
from tests.integration.auth_service.conftest import sqlalchemy_url
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.process import environment, running
from tests.support.screens import Screen, open_screen
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

STUMBLE = """
    CREATE FUNCTION auth.stumble() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''stumbled''; END';
    CREATE TRIGGER stumble BEFORE UPDATE ON auth.challenges EXECUTE FUNCTION auth.stumble();
"""


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    async with open_screen(browser) as opened:
        yield opened


async def test_a_fault_of_ours_leaves_the_code_to_be_sent_again(
    tmp_path: Path, postgres_url: str, screen: Screen
) -> None:
    settings = environment(postgres_url, "redis://127.0.0.1:1/0", AUTH_RELAY="off")
    door = Door(
        Database(sqlalchemy_url(postgres_url)),
        sealer=Sealer([settings["SEALING_KEYS"]]),
        peppers=Peppers([parse_pepper(settings["AUTH_PEPPERS"])]),
    )
    root, page = await door.admin(), screen.page
    operator = await asyncpg.connect(postgres_url)
    async with running("serve", folder=tmp_path, settings=settings):
        await until(lambda: _reachable(settings["AUTH_PORT"]), within=20)
        await page.goto(f"{settings['PUBLIC_URL']}/login")
        await page.fill("#email", root.email)
        await page.click("#start")
        await expect(page.locator("#code")).to_be_visible()
        (asked,) = await door.events()
        challenge_id = str(getattr(asked.data, "challenge_id", ""))
        await page.fill("#code", await door.mailed_code_of(challenge_id))

        await operator.execute(STUMBLE)
        await page.click("#verify")
        await expect(page.locator("#message")).to_contain_text("our fault")
        await expect(page.locator("#code")).to_be_visible()
        await page.reload()
        await expect(page.locator("#code")).to_be_visible()

        await operator.execute("DROP TRIGGER stumble ON auth.challenges")
        await page.fill("#code", await door.mailed_code_of(challenge_id))
        await page.click("#verify")
        await expect(page).to_have_url(f"{settings['PUBLIC_URL']}/account")
        await expect(page.locator("#sessions li")).to_be_visible()  # all is loaded before the service goes
    await operator.close()
    await door.database.close()


async def _reachable(port: str) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(port))
    except OSError:
        return False
    writer.close()
    return True
