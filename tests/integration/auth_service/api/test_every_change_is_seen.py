"""What any call changes, another process shows in its next answer, whatever it keeps.

Both are whole applications that share nothing but Postgres, Redis and their keys; the truth is told by a
third one, which has no Redis and keeps nothing.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from auth_service.model.peppers import new_pepper
from auth_service.model.users import Role
from contracts.sealing import new_key
from tests.integration.auth_service.api.changes import CHANGES, GRID, Change
from tests.integration.auth_service.api.site import Site, open_site
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.mishaps import MISHAPS, WITHIN, Mishap
from tests.integration.auth_service.presences import Present, present
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.waiting import until


@dataclass(frozen=True)
class Sites:
    """Where changes are made, where they must be seen, and where nothing is kept."""

    here: Site
    there: Site
    truth: Site
    root: Present

    async def shown(self, site: Site, *people: Present) -> list[tuple[int, Any]]:
        """Tell what a site shows: who is there for each session, and to an administrator the grid."""
        async with site.client() as client:
            answers = [await client.get("/v1/me", headers=each.bearer) for each in people]
            answers.append(await client.get(GRID, headers=self.root.bearer))
        return [
            (each.status_code, each.json() if each.is_success else each.json()["code"]) for each in answers
        ]

    async def warm(self, *people: Present) -> list[tuple[int, Any]]:
        """Have the other site see it all, until it asks Postgres for nothing but sessions that are over."""
        return await until(partial(self._kept, people), within=WITHIN)

    async def _kept(self, people: Sequence[Present]) -> list[tuple[int, Any]]:
        with StatementLog(self.there.parts.database) as log:
            shown = await self.shown(self.there, *people)
        gone = sum(status == 401 for status, _ in shown)
        return shown if len(log.statements) <= 2 * gone else []


@asynccontextmanager
async def sites(postgres_url: str, redis_url: str) -> AsyncIterator[Sites]:
    """Open all three, with the same keys."""
    settings: dict[str, Any] = {
        "peppers": (SecretStr(new_pepper()),),
        "sealing_keys": (SecretStr(new_key()),),
        "login_method": "otp_and_link",
    }
    async with AsyncExitStack() as stack:
        here, there, truth = [
            await stack.enter_async_context(open_site(postgres_url, url, **settings))
            for url in (redis_url, redis_url, None)
        ]
        root = await present(here.parts.database, "root@example.org", name="Root", role=Role.ADMIN)
        yield Sites(here, there, truth, root)


async def done(change: Change) -> None:
    """Make a change, which must be one."""
    answer = await change.deed()
    assert answer.is_success or answer.json()["code"] == "account_pending", answer.text


@pytest.mark.parametrize("name", CHANGES)
async def test_the_next_answer_of_another_process_shows_it(
    name: str, postgres_url: str, redis_url: str
) -> None:
    async with sites(postgres_url, redis_url) as opened:
        change = await CHANGES[name](opened.here, opened.root, "ada@example.org")
        before = await opened.warm(change.person)

        await done(change)

        after = await opened.shown(opened.there, change.person)
        assert after == await opened.shown(opened.truth, change.person)
        assert after != before


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(request.param, folder) as server:
        yield server


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_they_are_shown_whatever_becomes_of_redis_meanwhile(
    mishap: Mishap, postgres_url: str, own: OwnRedis
) -> None:
    async with sites(postgres_url, own.url) as opened:
        changes = [
            await arrange(opened.here, opened.root, f"{name}@example.org")
            for name, arrange in CHANGES.items()
        ]
        people = [each.person for each in changes]
        before = await opened.warm(*people)

        async def deed() -> None:
            for each in changes:
                await done(each)

        await mishap(own, deed)
        after = await opened.shown(opened.there, *people)
        true = await opened.shown(opened.truth, *people)
        assert after == true != before
        assert await opened.warm(*people) == true
