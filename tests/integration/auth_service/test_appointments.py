"""Those whom the settings name are administrators, whatever else starts or stops meanwhile."""

import asyncio
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from auth_service.appointments import appoint
from auth_service.flows.changes import change
from auth_service.flows.decisions import suspend
from auth_service.flows.deletions import delete_account
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status
from auth_service.storage.database import Database
from tests.integration.auth_service.cable import Cable
from tests.integration.auth_service.conftest import sqlalchemy_url
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import noted, person, seen
from tests.integration.auth_service.process import environment, running
from tests.support.waiting import until

WITHIN = 20.0
NAMED = ("root@example.org", "ada@example.org")


async def _administrators(door: Door) -> set[str]:
    async with door.database.unit() as unit:
        return {user.email for user in await unit.users.administrators()}


async def test_whoever_is_named_is_made_an_administrator_and_that_is_noted(door: Door) -> None:
    suspended = await person(door, "ada@example.org", status=Status.SUSPENDED)
    with capture_logs() as lines:
        await appoint(NAMED, database=door.database, sealer=door.sealer)
    assert await _administrators(door) == set(NAMED)
    assert (await seen(door, suspended.id)).name == suspended.name
    assert [entry.action for entry in await noted(door)] == [Action.ADMINISTRATOR_MADE] * 2
    (line,) = lines
    assert line["event"] == "administrators_appointed"
    assert not any(email in str(lines) for email in NAMED)


async def test_many_processes_at_once_make_and_note_each_once(door: Door) -> None:
    await asyncio.gather(
        *(
            appoint(NAMED[::order], database=door.database, sealer=door.sealer)
            for order in (1, -1, 1, -1, 1, -1, 1, -1)
        )
    )
    assert await _administrators(door) == set(NAMED)
    assert len(await noted(door)) == len(NAMED)


async def test_who_is_named_no_longer_stays_an_administrator(door: Door) -> None:
    await appoint(NAMED, database=door.database, sealer=door.sealer)
    await appoint(NAMED[:1], database=door.database, sealer=door.sealer)
    await appoint((), database=door.database, sealer=door.sealer)
    assert await _administrators(door) == set(NAMED)


@pytest.mark.parametrize("since", ["demoted", "suspended", "moved", "deleted"])
async def test_whatever_was_decided_since_outlasts_every_later_start(door: Door, since: str) -> None:
    await appoint(NAMED, database=door.database, sealer=door.sealer)
    async with door.database.unit() as unit:
        root = await unit.users.find("root@example.org")
        assert root is not None
        match since:
            case "demoted":
                await change(root.id, name=None, role=Role.MEMBER, locale=None, by=root.id, unit=unit)
            case "suspended":
                await suspend(root.id, reason=None, by=root.id, unit=unit, sealer=door.sealer)
            case "moved":
                await unit.users.save(root.moved(email="elsewhere@example.org"))
            case _:
                await delete_account(root.id, by=root.id, unit=unit, sealer=door.sealer)
    decided, before = await _administrators(door), await noted(door)
    await appoint(NAMED, database=door.database, sealer=door.sealer)
    assert await _administrators(door) == decided
    assert await noted(door) == before
    async with door.database.unit() as unit:
        assert ((await unit.users.find("root@example.org")) is None) == (since in {"moved", "deleted"})


async def test_it_waits_until_postgres_can_be_asked(door: Door, postgres_url: str) -> None:
    cable = Cable(postgres_url)
    beyond = Database(sqlalchemy_url(cable.url))
    tries: list[object] = []
    event.listen(beyond.engine.sync_engine, "do_connect", lambda *call: tries.append(call))
    with capture_logs() as lines:
        waiting = asyncio.create_task(appoint(NAMED, database=beyond, sealer=door.sealer))
        await until(lambda: len(tries) > 1, within=WITHIN)
        assert not waiting.done()
        await cable.mend()
        await asyncio.wait_for(waiting, WITHIN)
    await beyond.close()
    await cable.cut()
    assert await _administrators(door) == set(NAMED)
    assert [line["event"] for line in lines] == ["administrators_appointed"]


async def test_a_surprise_is_told_and_waited_out(door: Door) -> None:
    async def rename(there: str, here: str) -> None:
        async with door.database.engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE auth.audit_events RENAME COLUMN {there} TO {here}"))

    await rename("details", "elsewhere")
    with capture_logs() as lines:
        waiting = asyncio.create_task(appoint(NAMED, database=door.database, sealer=door.sealer))
        await until(lambda: [line for line in lines if line["event"] == "appointment_failed"], within=WITHIN)
        await rename("elsewhere", "details")
        await asyncio.wait_for(waiting, WITHIN)
    assert await _administrators(door) == set(NAMED)
    assert not any(email in str(lines) for email in NAMED)


async def test_a_service_appoints_at_its_first_start_and_keeps_house(
    tmp_path: Path, door: Door, postgres_url: str, redis_url: str
) -> None:
    settings = environment(postgres_url, redis_url, AUTH_ADMIN_EMAILS=", ".join(NAMED))
    operator = await asyncpg.connect(postgres_url)
    await operator.execute("INSERT INTO auth.budgets VALUES ('old', 3, now() - interval '2 days')")
    internal = f"http://127.0.0.1:{settings['AUTH_INTERNAL_PORT']}"

    async def appointed() -> bool:
        return await _administrators(door) == set(NAMED)

    async def kept() -> bool:
        return not await operator.fetchval("SELECT count(*) FROM auth.budgets")

    async with running("serve", folder=tmp_path, settings=settings):
        await until(appointed, within=WITHIN)
        await until(kept, within=WITHIN)
        async with httpx.AsyncClient(trust_env=False) as client:

            async def told() -> bool:
                metrics = (await client.get(f"{internal}/metrics")).text
                return 'auth_housekeeping_deleted_total{table="budgets"} 1.0' in metrics

            await until(told, within=WITHIN)
    (first, *_) = before = await noted(door)
    assert first.actor_id is None
    async with running("serve", folder=tmp_path, settings=settings) as again:
        assert again.stdout is not None
        while b"administrators_appointed" not in await asyncio.wait_for(again.stdout.readline(), WITHIN):
            pass
    assert await noted(door) == before
    await operator.close()


async def test_a_relay_alone_keeps_house_and_appoints_nobody(
    tmp_path: Path, door: Door, postgres_url: str, redis_url: str
) -> None:
    ada = await person(door, "ada@example.org")
    settings = environment(
        postgres_url, redis_url, AUTH_ADMIN_EMAILS="ada@example.org", AUTH_HOUSEKEEPING_EVERY="0.1"
    )
    operator = await asyncpg.connect(postgres_url)

    async def kept() -> bool:
        return not await operator.fetchval("SELECT count(*) FROM auth.budgets")

    async with running("relay", folder=tmp_path, settings=settings):
        for key in ("first", "second"):
            await operator.execute(
                f"INSERT INTO auth.budgets VALUES ('{key}', 3, now() - interval '2 days')"  # noqa: S608 - constants
            )
            await until(kept, within=WITHIN)
    await operator.close()
    assert (await seen(door, ada.id)).role is Role.MEMBER
