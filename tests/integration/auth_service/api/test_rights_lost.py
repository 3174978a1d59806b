"""Someone who was let in loses their rights before their deed: they are answered as to the next request."""

import asyncio
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text, update

from auth_service.model.audit import Action
from auth_service.model.users import Role, Status
from auth_service.storage.tables import users
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.api.visits import visiting
from tests.integration.auth_service.people import person, seen
from tests.integration.auth_service.presences import audited
from tests.support.waiting import until


async def _asked_while_locked(
    site: Site, asking: httpx.Request, by: httpx.AsyncClient, **lost: str
) -> httpx.Response:
    """Have a request let in and wait at the deed, take away what it was let in for, and let it go on."""
    database = site.parts.database

    async def waits() -> bool:
        async with database.engine.connect() as connection:
            return bool((await connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted"))).first())

    async with database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.email == "root@example.org").values(lost))
        answer = asyncio.create_task(by.send(asking))
        await until(waits, within=10.0)
    return await answer


@pytest.mark.parametrize(
    ("lost", "status", "code"),
    [({"role": "member"}, 403, "forbidden"), ({"status": "suspended"}, 401, "unauthenticated")],
)
async def test_nothing_is_decided_and_the_try_is_noted(
    site: Site, lost: dict[str, str], status: int, code: str
) -> None:
    ada = await person(site.door, status=Status.PENDING)
    async with visiting(site, "root@example.org", role=Role.ADMIN) as root:
        asking = root.browser.build_request("POST", f"/v1/admin/users/{ada.id}/approve")
        answer = await _asked_while_locked(site, asking, root.browser, **lost)
        problem(answer, status, code)
    assert (await seen(site.door, ada.id)).status is Status.PENDING
    assert await site.door.events() == []
    (noted,) = await audited(site.parts.database, Action.ACCESS_REFUSED)
    assert (noted["actor"], noted["reason"]) == (root.user.id, code)
    assert noted["route"] == "POST /v1/admin/users/{user_id}/approve"


async def test_nobody_suspended_changes_even_themselves(site: Site) -> None:
    async with visiting(site, "root@example.org") as root:
        asking = root.browser.build_request("PATCH", "/v1/me", json={"name": "Eve"})
        answer = await _asked_while_locked(site, asking, root.browser, status="suspended")
        problem(answer, 401, "unauthenticated")
        assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await seen(site.door, root.user.id)).name == "Ada"


async def test_refused_tries_are_noted_sixty_times_an_hour_and_no_more(site: Site) -> None:
    async with visiting(site, "eve@example.org") as eve, visiting(site, "mallory@example.org") as mallory:
        for number in range(70):
            call = "/v1/admin/users" if number % 2 else "/v1/admin/audit-events"
            problem(await eve.browser.get(call), 403, "forbidden")
        problem(await mallory.browser.get("/v1/admin/users"), 403, "forbidden")
        problem(await mallory.browser.delete(f"/v1/sessions/{eve.session.id}"), 404, "session_not_found")
        noted = await audited(site.parts.database, Action.ACCESS_REFUSED)
        assert _by(noted, eve.user.id) == 60
        assert _by(noted, mallory.user.id) == 2
        async with site.parts.database.engine.begin() as connection:
            await connection.execute(
                text("UPDATE auth.audit_events SET occurred_at = occurred_at - interval '61 minutes'")
            )
        await eve.browser.get("/v1/admin/users")
    noted = await audited(site.parts.database, Action.ACCESS_REFUSED)
    assert _by(noted, eve.user.id) == 61


def _by(noted: list[dict[str, object]], user_id: UUID) -> int:
    return [row["actor"] for row in noted].count(user_id)
