"""A change whose maker dies, or is told to stop, or never hears whether it was made: all others see it.

What is made here is looked at from another process, whose caches are warm.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import event

from auth_service.model.peppers import new_pepper
from auth_service.model.users import Role
from auth_service.storage.database import Database
from auth_service.storage.touched import Touched
from contracts.sealing import new_key
from tests.integration.auth_service.api.changes import GRID, send
from tests.integration.auth_service.api.site import Site, open_site
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.presences import Present, present
from tests.integration.auth_service.process import environment
from tests.support import commands
from tests.support.cable import Cable
from tests.support.waiting import until

WITHIN: Final = 20.0
"""A third of the time after which a cached session is looked up again, whatever became of its drop."""

PATIENT_SECONDS: Final = 30.0
"""So that nothing here is given up for being late."""

MAKER: Final = "tests.integration.auth_service.dying_maker"


@dataclass(frozen=True)
class Onlookers:
    """Where a change must be seen, where nothing is kept, and who makes it and to whom."""

    keys: dict[str, str]
    there: Site
    truth: Site
    root: Present
    ada: Present

    async def shown(self, site: Site) -> list[tuple[int, Any]]:
        """Tell what a site shows of someone's session, and of the grid."""
        async with site.client() as client:
            answers = [
                await client.get("/v1/me", headers=self.ada.bearer),
                await client.get(GRID, headers=self.root.bearer),
            ]
        return [(each.status_code, each.json() if each.is_success else None) for each in answers]

    async def warm(self) -> list[tuple[int, Any]]:
        """Have the other site keep all of it: it asks Postgres for nothing any more."""
        return await until(self._kept, within=WITHIN)

    async def _kept(self) -> list[tuple[int, Any]]:
        with StatementLog(self.there.parts.database) as log:
            shown = await self.shown(self.there)
        return [] if log.statements else shown

    async def suspend(self, site: Site) -> httpx.Response:
        """Make the change at a site."""
        return await send(site, self.root, "POST", f"{GRID}/{self.ada.user.id}/suspend", {"reason": "Away."})

    async def is_committed(self) -> bool:
        """Tell whether Postgres has it."""
        return (await self.shown(self.truth))[0][0] == httpx.codes.UNAUTHORIZED

    async def is_seen(self) -> bool:
        """Tell whether the other site shows what is true."""
        return await self.shown(self.there) == await self.shown(self.truth)


def _settings(keys: dict[str, str]) -> dict[str, Any]:
    return {
        "peppers": (SecretStr(keys["AUTH_PEPPERS"]),),
        "sealing_keys": (SecretStr(keys["SEALING_KEYS"]),),
    }


@asynccontextmanager
async def onlookers(postgres_url: str, redis_url: str) -> AsyncIterator[Onlookers]:
    """Open the other sites, with an administrator and someone who are signed in."""
    keys = {"AUTH_PEPPERS": new_pepper(), "SEALING_KEYS": new_key()}
    async with AsyncExitStack() as stack:
        there, truth = [
            await stack.enter_async_context(open_site(postgres_url, url, **_settings(keys)))
            for url in (redis_url, None)
        ]
        root = await present(truth.parts.database, "root@example.org", name="Root", role=Role.ADMIN)
        ada = await present(truth.parts.database)
        yield Onlookers(keys, there, truth, root, ada)


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """Lay a cable to a server, and give the address through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with Cable(parts.hostname, parts.port) as cable:
        credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        yield cable, urlunsplit(parts._replace(netloc=f"{credentials}127.0.0.1:{cable.port}"))


@pytest.mark.parametrize(
    "path",
    [f"{GRID}/{{}}/suspend", "/v1/sessions/revoke-others"],
    ids=["suspending", "ending-all-elsewhere"],
)
async def test_the_relay_tells_of_a_change_whose_maker_died_before_it_could(
    path: str, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with onlookers(postgres_url, redis_url) as told:
        elsewhere = await present(told.truth.parts.database)
        before = await told.warm()
        settings = environment(postgres_url, redis_url, AUTH_RELAY="off", **told.keys)
        maker = commands.running(MAKER, folder=tmp_path, settings=settings)
        who = told.root if "suspend" in path else elsewhere
        async with (
            maker as process,
            httpx.AsyncClient(base_url=settings["PUBLIC_URL"], trust_env=False, timeout=WITHIN) as client,
        ):
            await until(partial(_is_up, client), within=WITHIN)
            with pytest.raises(httpx.TransportError):
                await client.post(path.format(told.ada.user.id), json={}, headers=who.bearer)
            assert await process.wait() == -signal.SIGKILL
        assert await told.is_committed()
        assert await told.shown(told.there) == before, "nobody has told of it yet"

        async with open_site(postgres_url, redis_url, **_settings(told.keys)) as relaying:
            assert await relaying.parts.relay.sweep() > 0

        assert await told.is_seen()


async def test_a_change_is_seen_though_postgres_was_lost_before_it_said_that_it_was_committed(
    postgres_url: str, redis_url: str
) -> None:
    async with (
        onlookers(postgres_url, redis_url) as told,
        wired(postgres_url) as (cable, through),
        open_site(through, redis_url, **_settings(told.keys)) as here,
    ):
        await told.warm()
        making = asyncio.create_task(_without_a_reply(told, here, cable))
        await until(told.is_committed, within=WITHIN)
        assert not making.done()
        await cable.cut()

        assert (await making).status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert await told.is_seen()


async def test_a_change_is_seen_though_its_maker_was_told_to_stop_while_it_was_committed(
    postgres_url: str, redis_url: str
) -> None:
    async with (
        onlookers(postgres_url, redis_url) as told,
        wired(postgres_url) as (cable, through),
        open_site(through, redis_url, **_settings(told.keys)) as here,
    ):
        await told.warm()
        making = asyncio.create_task(_without_a_reply(told, here, cable))
        await until(told.is_committed, within=WITHIN)
        making.cancel()
        await asyncio.wait({making}, timeout=WITHIN)

        assert making.cancelled()
        assert await told.is_seen()


async def test_a_change_is_seen_though_its_maker_was_told_to_stop_while_it_dropped_copies(
    postgres_url: str, redis_url: str
) -> None:
    async with (
        onlookers(postgres_url, redis_url) as told,
        wired(redis_url) as (cable, through),
        open_site(postgres_url, through, **_settings(told.keys)) as here,
    ):
        here.parts.circuit._patience = PATIENT_SECONDS
        dropping = _frozen_before_a_drop(here.parts.database, cable)
        before = await told.warm()
        making = asyncio.create_task(told.suspend(here))
        await asyncio.wait_for(dropping.wait(), WITHIN)
        await until(partial(_is_unlinking, here), within=WITHIN)
        making.cancel()
        await asyncio.wait({making}, timeout=WITHIN)
        assert making.cancelled()
        assert await told.is_committed()
        assert await told.shown(told.there) == before, "Redis has not heard of it"
        await cable.cut()  # and never will, by that connection
        await cable.mend()

        await until(told.is_seen, within=WITHIN)


async def _is_up(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False


async def _without_a_reply(told: Onlookers, here: Site, cable: Cable) -> httpx.Response:
    """Make the change over a cable that, from the first COMMIT on, brings no reply."""

    def deafen(_: object) -> None:
        cable.replies_lost = True

    await told.shown(here)  # nothing else is left to be committed first
    engine = here.parts.database.engine.sync_engine
    event.listen(engine, "commit", deafen)
    return await told.suspend(here)


def _frozen_before_a_drop(database: Database, cable: Cable) -> asyncio.Event:
    """Have nothing come through to Redis any more as soon as something is to be dropped; tells when it is."""
    drop, reached = database._on_touch, asyncio.Event()
    assert drop is not None

    async def freeze(touched: Touched) -> None:
        cable.freeze()
        reached.set()
        await drop(touched)

    database._on_touch = freeze
    return reached


def _is_unlinking(site: Site) -> bool:
    """Tell whether a drop is on its way, and not answered yet."""
    return any(command[0] == "UNLINK" for command, _ in site.parts.circuit._line._leaving)
