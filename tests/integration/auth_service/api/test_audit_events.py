from typing import Any

import pytest

from auth_service.model.users import Status, User
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.people import person


async def _decided(site: Site, admin: Any) -> tuple[User, User]:  # noqa: ANN401 - any HTTP client
    """Approve one and reject another, as `admin`."""
    await site.sign_in(admin, (await site.door.admin()).email)
    ada = await person(site.door, "ada@example.org", status=Status.PENDING, name="Ada")
    bob = await person(site.door, "bob@example.org", status=Status.PENDING, name="Bob")
    for user, verb in ((ada, "approve"), (bob, "reject")):
        assert (await admin.post(f"/v1/admin/users/{user.id}/{verb}")).status_code == 200
    return ada, bob


async def test_the_trail_tells_who_did_what_to_whom_when_and_whence(site: Site) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        ada = await person(site.door, status=Status.PENDING)
        approval = await admin.post(f"/v1/admin/users/{ada.id}/approve")
        with StatementLog(site.parts.database) as log:
            answer = await admin.get("/v1/admin/audit-events", params={"action": "approved"})
    assert len(log.statements) <= 2, log.statements
    assert (answer.status_code, answer.json()["next_cursor"]) == (200, None)
    (entry,) = answer.json()["events"]
    assert (entry["action"], entry["actor_name"], entry["subject_name"]) == ("approved", "root", "Ada")
    assert entry["actor_id"] == approval.json()["decided_by"]
    assert entry["subject_id"] == str(ada.id)
    assert (entry["client_address"], entry["details"]) == ("127.0.0.1", {})
    assert entry["trace_id"] == approval.headers["porter-trace-id"]
    assert entry["occurred_at"]


async def test_the_trail_is_paged_and_searched(site: Site) -> None:
    async with site.browser() as admin:
        ada, bob = await _decided(site, admin)

        async def found(**query: str) -> tuple[list[tuple[str, str]], str | None]:
            answer = await admin.get("/v1/admin/audit-events", params=query)
            assert answer.status_code == 200, answer.text
            events = answer.json()["events"]
            return [(event["action"], event["subject_id"]) for event in events], answer.json()["next_cursor"]

        assert await found(user_id=str(bob.id)) == ([("rejected", str(bob.id))], None)
        assert await found(action="approved") == ([("approved", str(ada.id))], None)
        assert await found(action="approved", user_id=str(bob.id)) == ([], None)
        first, cursor = await found(limit="1")
        assert first == [("rejected", str(bob.id))]
        assert cursor is not None
        assert (await found(limit="1", cursor=cursor))[0] == [("approved", str(ada.id))]


async def test_who_is_gone_stays_in_the_trail_without_a_name(site: Site) -> None:
    async with site.browser() as admin:
        ada, _ = await _decided(site, admin)
        assert (await admin.delete(f"/v1/admin/users/{ada.id}")).status_code == 200
        answer = await admin.get("/v1/admin/audit-events", params={"user_id": str(ada.id)})
    told = [(entry["action"], entry["subject_name"]) for entry in answer.json()["events"]]
    assert told == [("deleted", None), ("approved", None)]
    assert "ada@" not in answer.text
    assert "Ada" not in answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"action": "looked"}, "action"),
        ({"user_id": "ada"}, "user_id"),
        ({"cursor": "not one"}, "cursor"),
    ],
)
async def test_a_wrong_query_is_told_so(site: Site, query: dict[str, str], field: str) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.get("/v1/admin/audit-events", params=query)
    assert [error["field"] for error in problem(answer, 422, "invalid_request")["errors"]] == [field]
