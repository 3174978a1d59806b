"""What people do on the pages, and what may be expected of every page they see."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import asyncpg
from playwright.async_api import Page, expect
from redis.asyncio import Redis

from auth_service.memory.cache_keys import GENERATION
from contracts.identifiers import new_id
from devstack.stack import Stack
from devstack.visitor import Visitor
from tests.support.screens import PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)

LOOK: Final = (Path(__file__).parent / "look_over.js").read_text(encoding="utf-8").partition("\n")[2]


async def look_over(page: Page) -> None:
    """Check what a screen reader, a keyboard and a narrow screen need: names, landmarks, order, width."""
    assert await page.evaluate(LOOK) == []


async def sign_in(page: Page, person: Visitor, url: str, *, path: str = "/login") -> None:
    """Sign a person in on the login page, by the code from their inbox."""
    await person.skip_mails()
    await page.goto(f"{url}{path}")
    await page.fill("#email", person.email)
    await page.click("#start")
    await page.fill("#code", await person.code())
    await page.click("#verify")
    await expect(page.locator("#menu")).to_be_visible()


async def let_in(stack: Stack, email: str, *, name: str = "Ada", status: str = "active") -> None:
    """Give someone an account behind the pages' back."""
    await change(
        stack,
        "INSERT INTO auth.users (id, email, name, locale, role, status, version)"
        " VALUES ($1, $2, $3, 'en', 'member', $4, 1)",
        [(new_id(), email, name, status)],
    )


async def change(stack: Stack, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Change rows behind the pages' back, and have the service forget what it remembers of them."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        await connection.executemany(statement, rows)
    finally:
        await connection.close()
    async with Redis.from_url(stack.environment["REDIS_URL"]) as redis:
        await redis.unlink(GENERATION)
