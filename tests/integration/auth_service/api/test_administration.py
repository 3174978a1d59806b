import pytest
from sqlalchemy import update

from auth_service.model.users import Role, Status
from auth_service.storage.tables import users
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import Site, problem


async def test_only_administrators_administer(site: Site) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as nobody, site.browser() as member:
        await site.sign_in(member, "ada@example.org")
        for method, path in (("GET", "/v1/admin/users"), ("POST", f"/v1/admin/users/{ada.id}/approve")):
            refused = await nobody.request(method, path)
            problem(refused, 401, "unauthenticated")
            assert refused.headers["www-authenticate"].startswith("Bearer")
            problem(await member.request(method, path), 403, "forbidden")


async def test_an_administrator_who_is_suspended_is_out_at_once(site: Site) -> None:
    root = await site.door.admin()
    async with site.browser() as admin:
        await site.sign_in(admin, root.email)
        assert (await admin.get("/v1/admin/users")).status_code == 200
        async with site.parts.database.engine.begin() as connection:
            await connection.execute(update(users).values(status=Status.SUSPENDED.value))
        problem(await admin.get("/v1/admin/users"), 401, "unauthenticated")


async def test_who_is_no_administrator_any_more_administers_no_more(site: Site) -> None:
    root = await site.door.admin()
    async with site.browser() as admin:
        await site.sign_in(admin, root.email)
        async with site.parts.database.engine.begin() as connection:
            await connection.execute(update(users).values(role=Role.MEMBER.value))
        problem(await admin.get("/v1/admin/users"), 403, "forbidden")


@pytest.mark.parametrize("status", [Status.UNVERIFIED, Status.SUSPENDED])
async def test_a_move_that_is_not_allowed_is_a_conflict(site: Site, status: Status) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        async with site.parts.database.engine.begin() as connection:
            await connection.execute(update(users).where(users.c.id == ada.id).values(status=status.value))
        answer = await admin.post(f"/v1/admin/users/{ada.id}/approve")
    assert status.value in problem(answer, 409, "transition_not_allowed")["detail"]


async def test_an_unknown_user_is_not_found(site: Site) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        problem(await admin.post(f"/v1/admin/users/{new_id()}/approve"), 404, "user_not_found")


async def test_the_list_is_paged_searched_and_filtered(site: Site) -> None:
    await site.door.member("ada@example.org", name="Ada")
    await site.door.register("grace@example.org")
    async with site.browser() as admin:
        await site.sign_in(admin, "root@example.org")

        async def emails(**query: str) -> tuple[list[str], str | None]:
            answer = await admin.get("/v1/admin/users", params=query)
            assert answer.status_code == 200, answer.text
            return [user["email"] for user in answer.json()["users"]], answer.json()["next_cursor"]

        everyone = ["grace@example.org", "root@example.org", "ada@example.org"]
        first, cursor = await emails(limit="2")
        assert cursor is not None
        assert [*first, *(await emails(limit="2", cursor=cursor))[0]] == everyone
        assert (await emails(q="GRACE"))[0] == ["grace@example.org"]
        assert (await emails(status="unverified"))[0] == ["grace@example.org"]


async def test_what_is_searched_for_is_told_its_limit(site: Site) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.get("/v1/admin/users", params={"q": "x" * 200})
    assert problem(answer, 422, "invalid_request")["detail"] == "q: may have at most 100 characters"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "asleep"}, "status"),
        ({"cursor": "not one"}, "cursor"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"q": "x" * 101}, "q"),
        ({"q": "a\x00b"}, "q"),
    ],
)
async def test_a_wrong_query_is_told_so(site: Site, query: dict[str, str], field: str) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = problem(await admin.get("/v1/admin/users", params=query), 422, "invalid_request")
    assert [error["field"] for error in answer["errors"]] == [field]
    assert next(iter(query.values())) not in answer["errors"][0]["message"]
