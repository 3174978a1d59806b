"""Someone is signed in, another suspends them: the very next request is refused, whatever it is."""

import pytest

from tests.integration.auth_service.api.site import problem
from tests.integration.auth_service.service.calls import listed, send
from tests.integration.auth_service.service.people import settle
from tests.integration.auth_service.service.running import Service
from tests.integration.auth_service.service.tables import contents


async def test_the_next_request_of_whoever_is_suspended_is_refused(service: Service) -> None:
    calls = [call for call in await listed(service) if call.for_session]
    assert len(calls) >= 15
    async with service.postgres() as connection, service.client() as client:
        (root,) = await settle(connection, 1, role="admin")
        suspended = await settle(connection, len(calls), role="admin")
        (victim,) = await settle(connection, 1)
        for person, call in zip(suspended, calls, strict=True):
            me = await client.get("/v1/me", headers=person.headers)
            assert me.status_code == 200
            done = await client.post(f"/v1/admin/users/{person.id}/suspend", headers=root.headers)
            assert done.json()["status"] == "suspended"
            before = await contents(connection)
            client.headers.update(person.headers)
            answer = await send(client, call, user_id=victim.id, session_id=person.session_id)
            del client.headers["Authorization"]
            assert answer.status_code == 401, call
            assert await contents(connection) == before, call


async def test_the_next_request_of_their_browser_is_refused_too(service: Service) -> None:
    async with service.postgres() as connection, service.client({"Origin": service.url}) as client:
        (root,), (person,) = await settle(connection, 1, role="admin"), await settle(connection, 1)
        client.cookies.set("porter_session", person.token)
        assert (await client.get("/v1/sessions/verify")).headers["remote-user"] == str(person.id)
        async with service.client(root.headers) as administrator:
            await administrator.post(f"/v1/admin/users/{person.id}/suspend")
        answer = await client.get("/v1/sessions/verify")
        assert (answer.status_code, answer.headers["remote-user"]) == (401, "")
        problem(await client.get("/v1/me"), 401, "unauthenticated")
        page = await client.get("/account")
        assert (page.status_code, page.headers["location"].partition("?")[0]) == (303, "/login")


async def test_their_code_signs_them_in_no_more(service: Service) -> None:
    async with service.postgres() as connection, service.client() as client, service.door() as door:
        (root,), (person,) = await settle(connection, 1, role="admin"), await settle(connection, 1)
        asking = {"email": person.email, "transport": "bearer"}
        asked = (await client.post("/v1/login/challenges", json=asking)).json()
        code = await door.mailed_code_of(asked["challenge_id"])
        await client.post(f"/v1/admin/users/{person.id}/suspend", headers=root.headers)
        answer = await client.post(
            f"/v1/login/challenges/{asked['challenge_id']}/verify",
            json={"code": code},
            headers={"Porter-Binding": asked["binding"]},
        )
        problem(answer, 403, "account_suspended")


@pytest.mark.parametrize("deed", ["demote", "delete"])
async def test_the_next_request_of_an_administrator_who_is_none_any_more_is_refused(
    service: Service, deed: str
) -> None:
    calls = [call for call in await listed(service) if call.path.startswith("/v1/admin/")]
    async with service.postgres() as connection, service.client() as client:
        (root,) = await settle(connection, 1, role="admin")
        (victim,) = await settle(connection, 1)
        for person, call in zip(await settle(connection, len(calls), role="admin"), calls, strict=True):
            path = f"/v1/admin/users/{person.id}"
            if deed == "demote":
                done = await client.patch(path, json={"role": "member"}, headers=root.headers)
            else:
                done = await client.delete(path, headers=root.headers)
            assert done.status_code == 200, done.text
            before = await contents(connection)
            client.headers.update(person.headers)
            answer = await send(client, call, user_id=victim.id)
            del client.headers["Authorization"]
            assert answer.status_code == (403 if deed == "demote" else 401), call
            assert await contents(connection) == before, call
