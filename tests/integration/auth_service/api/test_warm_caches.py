import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy import func, update

from auth_service.api.admin_bodies import REASON_CHARACTERS_MAX
from auth_service.memory.cache_keys import session_pointer, token_name, user_bundle
from auth_service.model.names import NAME_CHARACTERS_MAX
from auth_service.model.tokens import token_hash
from auth_service.model.users import Role, Status
from auth_service.storage.tables import users
from tests.integration.auth_service.api.site import Site, open_site, problem
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.people import person
from tests.integration.auth_service.presences import Present, age, present
from tests.support.waiting import until

GRID = "/v1/admin/users"
PATIENT_SECONDS = 5.0


@pytest_asyncio.fixture
async def site(postgres_url: str, redis_url: str) -> AsyncIterator[Site]:
    async with open_site(postgres_url, redis_url, cookie_domain="example.org") as opened:
        opened.parts.circuit._patience = PATIENT_SECONDS  # what counts here is what is kept, not how soon
        await opened.parts.circuit.warm()
        yield opened


@pytest_asyncio.fixture
async def ada(site: Site) -> Present:
    return await present(site.parts.database, role=Role.ADMIN)


def cookies(someone: Present) -> dict[str, str]:
    return {"__Secure-porter_access": someone.access}


def cookie_of(someone: Present) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies(someone).items())


@pytest.mark.parametrize("path", ["/v1/me", "/v1/sessions/verify", GRID])
async def test_what_was_seen_before_is_answered_without_a_statement(
    site: Site, ada: Present, path: str
) -> None:
    async with site.client(headers=ada.bearer) as client:
        first = await client.get(path)
        with StatementLog(site.parts.database) as log:
            second = await client.get(path)

    assert first.is_success
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert log.statements == []


async def test_an_application_cookie_is_answered_without_a_statement(site: Site, ada: Present) -> None:
    async with site.client(cookies=cookies(ada)) as client:
        assert (await client.get("/v1/sessions/verify")).status_code == 204
        with StatementLog(site.parts.database) as log:
            assert (await client.get("/v1/sessions/verify")).headers["remote-user"] == str(ada.user.id)

    assert log.statements == []


async def test_someone_with_many_sessions_is_known_in_each_without_a_statement(
    site: Site, ada: Present
) -> None:
    others = [await present(site.parts.database, role=Role.ADMIN) for _ in range(60)]
    async with site.client() as client:
        for session in (ada, *others):
            assert (await client.get("/v1/me", headers=session.bearer)).status_code == 200
        with StatementLog(site.parts.database) as log:
            for session in (ada, *others):
                assert (await client.get("/v1/me", headers=session.bearer)).status_code == 200

    assert log.statements == []


async def test_a_page_of_a_hundred_long_names_and_reasons_is_kept(site: Site, ada: Present) -> None:
    long_name, long_reason = "Ж" * NAME_CHARACTERS_MAX, "Щ" * REASON_CHARACTERS_MAX
    address = f"@{'.'.join(['d' * 60] * 3)}.org"
    for number in range(100):
        await person(site.door, f"{number:064}"[:64] + address, status=Status.REJECTED, name=long_name)
    async with site.parts.database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == ada.user.id).values(name=long_name))
        await connection.execute(
            update(users)
            .where(users.c.id != ada.user.id)
            .values(decided_by=ada.user.id, decided_at=func.now(), decision_reason=long_reason)
        )
    async with site.client(headers=ada.bearer) as client:
        first = await client.get(GRID, params={"limit": 100})
        with StatementLog(site.parts.database) as log:
            second = await client.get(GRID, params={"limit": 100})

    listed = first.json()["users"]
    assert len(listed) == 100
    assert {(len(user["name"]), len(user["decision_reason"])) for user in listed} == {
        (NAME_CHARACTERS_MAX, REASON_CHARACTERS_MAX)
    }
    assert second.content == first.content
    assert log.statements == []


@pytest.mark.parametrize("kind", ["session", "access"])
async def test_a_pointer_led_to_somebody_else_shows_nobody_but_its_owner(
    site: Site, ada: Present, redis_client: Redis, kind: str
) -> None:
    bob = await present(site.parts.database, "bob@example.org", name="Bob")
    name = token_name(
        kind, token_hash(ada.token if kind == "session" else ada.access), secret=site.parts.cache.secret
    )
    pointer, theirs = session_pointer(name), user_bundle(bob.user.id)

    async def shown(client: httpx.AsyncClient, someone: Present) -> str | None:
        if kind == "session":
            answer = await client.get("/v1/me", headers=someone.bearer)
            return answer.json()["id"] if answer.is_success else None
        answer = await client.get("/v1/sessions/verify", headers={"Cookie": cookie_of(someone)})
        return answer.headers["remote-user"] if answer.is_success else None

    async with site.client() as client:
        for someone in (ada, bob):
            assert await shown(client, someone) == str(someone.user.id)
        for _ in range(2):
            await redis_client.set(pointer, str(bob.user.id), ex=60)
            assert await shown(client, ada) == str(ada.user.id)
            assert not [field for field in await redis_client.hkeys(theirs) if str(field).endswith(name)]
        await redis_client.set(pointer, str(bob.user.id), ex=60)
        async with site.parts.database.unit() as unit:
            await unit.sessions.end(ada.session.id, of=ada.user.id, idle=site.parts.door.rules.session_idle)
        assert await shown(client, ada) is None


async def test_fifty_parallel_requests_load_once(site: Site, ada: Present) -> None:
    async with site.client(headers=ada.bearer) as client:
        with StatementLog(site.parts.database) as log:
            answers = await asyncio.gather(*(client.get("/v1/me") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(log.statements) == 2  # whose session it is, which never changes, and what it is now


async def test_an_unknown_token_leaves_nothing_in_redis(site: Site, redis_client: Redis) -> None:
    async with site.client(headers={"Authorization": f"Bearer {'x' * 43}"}) as client:
        problem(await client.get("/v1/me"), 401, "unauthenticated")

    assert [key async for key in redis_client.scan_iter("{auth.cache}:*:*")] == []


async def test_one_session_that_ends_leaves_the_others_of_the_same_person(site: Site, ada: Present) -> None:
    other = await present(site.parts.database, role=Role.ADMIN)
    async with site.client(headers=ada.bearer) as here, site.client(headers=other.bearer) as there:
        for client in (here, there):
            assert (await client.get("/v1/me")).status_code == 200
        await here.delete(f"/v1/sessions/{other.session.id}", headers={"Origin": "https://login.example.org"})
        problem(await there.get("/v1/me"), 401, "unauthenticated")
        assert (await here.get("/v1/me")).status_code == 200


async def test_a_cached_session_ends_when_its_row_does(site: Site, ada: Present) -> None:
    left = timedelta(seconds=1.5)
    await age(site.parts.database, ada.session.id, last_seen_at=site.parts.door.rules.session_idle - left)
    async with site.client(headers=ada.bearer) as client:

        async def ended() -> bool:
            return (await client.get("/v1/me")).status_code == 401

        await age(site.parts.database, ada.session.id, expires_at=-left)
        assert not await ended()
        with StatementLog(site.parts.database) as log:
            assert not await ended()
        assert log.statements == []
        await until(ended, within=10)


async def test_a_session_that_is_used_from_the_cache_is_noted_when_that_is_due(
    site: Site, ada: Present
) -> None:
    await age(site.parts.database, ada.session.id, last_seen_at=timedelta(minutes=14, seconds=59))
    async with site.client(headers=ada.bearer) as client:

        async def noted() -> bool:
            assert (await client.get("/v1/me")).status_code == 200
            listed = (await client.get("/v1/sessions")).json()["sessions"]
            return str(listed[0]["last_seen_at"]) > ada.session.last_seen_at.isoformat()

        await until(noted, within=10)


async def test_keys_say_how_long_they_live(site: Site, ada: Present, redis_client: Redis) -> None:
    async with site.client(headers=ada.bearer) as client:
        await client.get(GRID)
    lives = {
        key.split(":")[1]: await redis_client.pttl(key)
        async for key in redis_client.scan_iter("{auth.cache}:*:*")
    }

    wanted = {"session": 86_400_000, "user": 1_800_000, "lists": 300_000}
    assert lives.keys() == wanted.keys()
    for name, life in wanted.items():
        assert life - 60_000 < lives[name] <= life


async def test_every_change_of_an_account_is_in_the_grid_at_once(site: Site, ada: Present) -> None:
    someone = await person(site.door, "bob@example.org", status=Status.PENDING)

    async def shown() -> tuple[str, str]:
        listed = (await client.get(GRID)).json()["users"]
        (bob,) = (user for user in listed if user["id"] == str(someone.id))
        return bob["status"], bob["name"]

    async with site.client(headers={**ada.bearer, "Origin": "https://login.example.org"}) as client:
        assert await shown() == ("pending", "Ada")
        for deed, status in (("approve", "active"), ("suspend", "suspended"), ("reinstate", "active")):
            await client.post(f"{GRID}/{someone.id}/{deed}")
            assert (await shown())[0] == status
        await client.patch(f"{GRID}/{someone.id}", json={"name": "Bob"})
        assert (await shown())[1] == "Bob"
        await client.post("/v1/registrations", json={"email": "eve@example.org", "name": "Eve"})
        assert len((await client.get(GRID)).json()["users"]) == 3
        await client.delete(f"{GRID}/{someone.id}")
        assert len((await client.get(GRID)).json()["users"]) == 2


async def test_no_request_searches_redis_for_keys(site: Site, ada: Present, redis_client: Redis) -> None:
    asked: list[str] = []

    async def listen() -> None:
        async with redis_client.monitor() as monitor:
            async for command in monitor.listen():
                asked.append(str(command["command"]))  # noqa: PERF401 - each is looked at as it comes

    listening = asyncio.create_task(listen())
    async with site.client(headers={**ada.bearer, "Origin": "https://login.example.org"}) as client:

        async def heard() -> bool:
            await client.get("/v1/me")
            return bool(asked)

        await until(heard, within=10)
        for path in ("/v1/me", GRID, "/v1/sessions", "/v1/sessions/verify"):
            assert (await client.get(path)).is_success
        await client.patch("/v1/me", json={"name": "Countess"})
        await client.get(GRID)
        await client.post("/v1/sessions/revoke-others")
        await client.delete("/v1/sessions/current")
        await redis_client.echo("the end")
        await until(lambda: asked[-1].endswith("the end"), within=10)
    listening.cancel()
    await asyncio.wait({listening})

    words = {command.split()[0].upper() for command in asked}
    assert {"EVALSHA", "UNLINK"} <= words
    assert not words & {"KEYS", "SCAN", "FLUSHDB", "FLUSHALL"}
