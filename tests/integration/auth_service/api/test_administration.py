import pytest
from sqlalchemy import update

from auth_service.model.audit import Action
from auth_service.model.users import Role, Status
from auth_service.storage.tables import users
from contracts.events import AccountDeleted
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.people import noted, person, seen, told

VERBS = ("approve", "reject", "suspend", "reinstate")
CALLS = [
    ("GET", "/v1/admin/users"),
    ("GET", "/v1/admin/audit-events"),
    ("POST", "/v1/admin/invitations"),
    ("PATCH", "/v1/admin/users/{user_id}"),
    ("DELETE", "/v1/admin/users/{user_id}"),
    *(
        ("POST", f"/v1/admin/users/{{user_id}}/{verb}")
        for verb in ("approve", "reject", "suspend", "reinstate")
    ),
]

SENT = {
    "/v1/admin/invitations": {"POST": {"email": "mallory@example.org"}},
    "/v1/admin/users/{user_id}": {"PATCH": {"role": "admin"}},
}


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_only_administrators_administer_and_who_else_tries_is_noted(
    site: Site, method: str, path: str
) -> None:
    ada = await site.door.member("ada@example.org")
    before = await seen(site.door, ada.id)
    async with site.browser() as nobody, site.browser() as member:
        await site.sign_in(member, "ada@example.org")
        sent, where = SENT.get(path, {}).get(method), path.format(user_id=ada.id)
        refused = await nobody.request(method, where, json=sent)
        problem(refused, 401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        problem(await member.request(method, where, json=sent), 403, "forbidden")
    assert await seen(site.door, ada.id) == before
    last = (await noted(site.door, ada.id))[-1]
    assert (last.action, last.actor_id) == (Action.ACCESS_REFUSED, ada.id)
    assert last.details["route"] == f"{method} {path}"


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


async def test_the_list_is_paged_searched_and_filtered(site: Site) -> None:
    await site.door.member("ada@example.org", name="Ada")
    await site.door.register("grace@example.org")
    async with site.browser() as admin:
        await site.sign_in(admin, "root@example.org")

        async def emails(**query: str | list[str]) -> tuple[list[str], str | None]:
            answer = await admin.get("/v1/admin/users", params=query)
            assert answer.status_code == 200, answer.text
            return [user["email"] for user in answer.json()["users"]], answer.json()["next_cursor"]

        everyone = ["grace@example.org", "root@example.org", "ada@example.org"]
        first, cursor = await emails(limit="2")
        assert cursor is not None
        assert [*first, *(await emails(limit="2", cursor=cursor))[0]] == everyone
        assert (await emails(q="GRACE"))[0] == ["grace@example.org"]
        assert (await emails(status="unverified"))[0] == ["grace@example.org"]
        assert (await emails(status=["active", "unverified"]))[0] == everyone
        assert (await emails(status=["unverified", "rejected"]))[0] == ["grace@example.org"]
        assert (await emails(role="admin"))[0] == ["root@example.org"]
        assert (await emails(role="member", q="ada"))[0] == ["ada@example.org"]


async def test_the_list_tells_who_decided_in_two_statements_with_the_session(site: Site) -> None:
    root = await person(site.door, "root@example.org", role=Role.ADMIN, name="Root")
    ada = await person(site.door, status=Status.PENDING)
    async with site.browser() as admin:
        await site.sign_in(admin, root.email)
        body = {"reason": "Not one of us"}
        assert (await admin.post(f"/v1/admin/users/{ada.id}/reject", json=body)).status_code == 200
        with StatementLog(site.parts.database) as log:
            answer = await admin.get("/v1/admin/users", params={"q": "ada"})
    assert len(log.statements) <= 2, log.statements
    (listed,) = answer.json()["users"]
    assert (listed["id"], listed["status"], listed["role"]) == (str(ada.id), "rejected", "member")
    assert (listed["decided_by"], listed["decided_by_name"]) == (str(root.id), "Root")
    assert (listed["decision_reason"], listed["version"]) == ("Not one of us", ada.version + 1)
    assert listed["decided_at"] is not None


async def test_someone_is_changed_and_a_role_counts_from_the_next_request_on(site: Site) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as admin, site.browser() as her:
        await site.sign_in(admin, "root@example.org")
        await site.sign_in(her, ada.email)
        problem(await her.get("/v1/admin/users"), 403, "forbidden")
        body = {"name": "  Countess ", "role": "admin", "locale": "pt-br"}
        changed = (await admin.patch(f"/v1/admin/users/{ada.id}", json=body)).json()
        assert (changed["name"], changed["role"], changed["locale"]) == ("Countess", "admin", "pt_BR")
        assert (await her.get("/v1/admin/users")).status_code == 200
        again = (await admin.patch(f"/v1/admin/users/{ada.id}", json=body)).json()
        assert again == changed
        await admin.patch(f"/v1/admin/users/{ada.id}", json={"role": "member"})
        problem(await her.get("/v1/admin/users"), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"role": "owner"}, "role"),
        ({"locale": "klingon"}, "locale"),
        ({"status": "active"}, "body"),
        ({"email": "mallory@example.org"}, "body"),
    ],
)
async def test_a_change_that_cannot_be_is_told_so(site: Site, body: dict[str, str], field: str) -> None:
    async with site.browser() as admin:
        root = await site.door.admin()
        await site.sign_in(admin, root.email)
        answer = await admin.patch(f"/v1/admin/users/{root.id}", json=body)
    assert [error["field"] for error in problem(answer, 422, "invalid_request")["errors"]] == [field]


async def test_who_is_deleted_is_out_at_once_and_can_be_deleted_once(site: Site) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as admin, site.browser() as her:
        await site.sign_in(admin, "root@example.org")
        await site.sign_in(her, ada.email)
        deleted = await admin.delete(f"/v1/admin/users/{ada.id}")
        assert (deleted.status_code, deleted.json()["email"]) == (200, ada.email)
        problem(await her.get("/v1/me"), 401, "unauthenticated")
        problem(await admin.delete(f"/v1/admin/users/{ada.id}"), 404, "user_not_found")
    assert len(await told(site.door, AccountDeleted)) == 1


LEAVING = [("DELETE", "", None), ("PATCH", "", {"role": "member"}), ("POST", "/suspend", None)]


@pytest.mark.parametrize(("method", "path", "body"), LEAVING)
async def test_the_last_administrator_stays_one(
    site: Site, method: str, path: str, body: dict[str, str] | None
) -> None:
    root = await site.door.admin()
    async with site.browser() as admin:
        await site.sign_in(admin, root.email)
        answer = await admin.request(method, f"/v1/admin/users/{root.id}{path}", json=body)
        problem(answer, 409, "last_administrator")
        assert (await admin.get("/v1/admin/users")).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), LEAVING)
async def test_a_page_elsewhere_changes_nobody(
    site: Site, method: str, path: str, body: dict[str, str] | None
) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as admin:
        await site.sign_in(admin, "root@example.org")
        elsewhere = {"Origin": "https://evil.example"}
        answer = await admin.request(method, f"/v1/admin/users/{ada.id}{path}", json=body, headers=elsewhere)
        problem(answer, 403, "origin_refused")
    assert await seen(site.door, ada.id) == ada


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
        ({"status": "asleep"}, "status.0"),
        ({"role": "owner"}, "role"),
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
