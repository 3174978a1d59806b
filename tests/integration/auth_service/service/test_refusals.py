"""Who may not do something cannot, at any call, and that they tried is noted."""

import json

import asyncpg
import httpx
import pytest

from tests.integration.auth_service.api.site import problem
from tests.integration.auth_service.service.calls import listed, send
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import Service
from tests.integration.auth_service.service.tables import contents, trail


async def test_members_can_do_nothing_that_administrators_do(service: Service) -> None:
    calls = [call for call in await listed(service) if call.path.startswith("/v1/admin/")]
    assert len(calls) >= 9
    async with service.postgres() as connection, service.client() as client:
        (eve,), (victim,) = await settle(connection, 1), await settle(connection, 1, status="pending")
        before = await contents(connection)
        client.headers.update(eve.headers)
        for call in calls:
            for target in (eve, victim):  # oneself included: nobody makes themselves an administrator
                problem(await send(client, call, user_id=target.id), 403, "forbidden")
        assert await contents(connection) == before
        noted = await trail(connection, "access_refused", actor_id=eve.id)
    told = {json.loads(row["details"])["route"] for row in noted}
    assert told == {f"{call.method} {call.path}" for call in calls}
    assert len(noted) == 2 * len(calls)
    assert {row["client_address"] for row in noted} == {"127.0.0.1"}


@pytest.mark.parametrize("field", ["role", "status", "email", "id"])
async def test_nobody_changes_of_themselves_what_others_decide_and_trying_is_noted(
    service: Service, field: str
) -> None:
    async with service.postgres() as connection, service.client() as client:
        (eve,) = await settle(connection, 1)
        before = await contents(connection)
        answer = await client.patch("/v1/me", json={"name": "Eve", field: "admin"}, headers=eve.headers)
        problem(answer, 403, "forbidden")
        assert await contents(connection) == before
        (noted,) = await trail(connection, "access_refused", actor_id=eve.id)
    told = json.loads(noted["details"])
    assert told == {"reason": "forbidden", "route": "PATCH /v1/me", "field": field}


async def test_without_a_session_nothing_that_needs_one_is_done(service: Service) -> None:
    calls = [call for call in await listed(service) if call.for_session]
    async with service.postgres() as connection, service.client() as client:
        (victim,) = await settle(connection, 1)
        before = await contents(connection)
        for call in calls:
            for token in ({}, {"Authorization": f"Bearer {'n' * 43}"}):
                client.headers.pop("Authorization", None)
                client.headers.update(token)
                answer = await send(client, call, user_id=victim.id, session_id=victim.session_id)
                assert answer.status_code == 401, call
                assert answer.headers["www-authenticate"].startswith("Bearer")
        assert await contents(connection) == before


async def test_the_session_of_another_is_not_found_and_trying_is_noted(service: Service) -> None:
    async with service.postgres() as connection, service.client() as client:
        eve, victim = await settle(connection, 2)
        answer = await client.delete(f"/v1/sessions/{victim.session_id}", headers=eve.headers)
        problem(answer, 404, "session_not_found")
        assert (await client.get("/v1/me", headers=victim.headers)).status_code == 200
        assert len(await trail(connection, "access_refused", actor_id=eve.id)) == 1


async def test_the_challenge_of_another_is_closed_whatever_is_asked_and_trying_is_noted(
    service: Service,
) -> None:
    async with service.postgres() as connection, service.client() as client, service.door() as door:
        eve, victim = await settle(connection, 2)
        hers, his = await _ask(client, victim), await _ask(client, eve)
        code = await door.mailed_code_of(hers["challenge_id"])
        there = f"/v1/login/challenges/{hers['challenge_id']}"
        before, noted = await contents(connection), await trail(connection, "sign_in_refused")

        for binding in ({}, {"Porter-Binding": his["binding"]}, {"Porter-Binding": "B" * 43}):
            origin = {"Origin": service.url}
            problem(
                await client.post(f"{there}/verify", json={"code": code}, headers=binding | origin),
                410,
                "challenge_closed",
            )
            problem(await client.post(f"{there}/resend", headers=binding | origin), 410, "challenge_closed")
            assert (await client.get(there, headers=binding)).json()["state"] == "closed"
        moving = {"Porter-Binding": hers["binding"]} | eve.headers
        answer = await client.post(
            "/v1/me/email/verify", json={"challenge_id": hers["challenge_id"], "code": code}, headers=moving
        )
        problem(answer, 410, "challenge_closed")
        assert await _without_budgets(connection) == {
            table: told for table, told in before.items() if table != "budgets"
        }
        tried = len(await trail(connection, "sign_in_refused")) - len(noted)
        assert tried >= 6, "three answers and three mails again"

        headers = {"Porter-Binding": hers["binding"]}
        assert (await client.get(there, headers=headers)).json()["state"] == "open"
        signed_in = await client.post(f"{there}/verify", json={"code": code}, headers=headers)
        assert signed_in.json()["user"]["id"] == str(victim.id)


async def _without_budgets(connection: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    return await contents(connection, but=("audit_events", "budgets"))


async def _ask(client: httpx.AsyncClient, person: Person) -> dict[str, str]:
    answer = await client.post("/v1/login/challenges", json={"email": person.email, "transport": "bearer"})
    told: dict[str, str] = answer.json()
    return told
