import pytest

from auth_service.model.users import Role, Status
from contracts.envelope import unseal
from contracts.events import AccountRejected, AccountSuspended, UserInvited
from contracts.identifiers import new_id
from contracts.sealing import Invitation, Reasoned
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.people import noted, person, seen, told

VERBS = {
    "approve": (Status.PENDING, Status.ACTIVE),
    "reject": (Status.PENDING, Status.REJECTED),
    "suspend": (Status.ACTIVE, Status.SUSPENDED),
    "reinstate": (Status.SUSPENDED, Status.ACTIVE),
}
every_verb = pytest.mark.parametrize("verb", list(VERBS))


@every_verb
async def test_a_decision_needs_no_body_and_repeated_gives_the_same(site: Site, verb: str) -> None:
    before, after = VERBS[verb]
    root = await person(site.door, "root@example.org", role=Role.ADMIN, name="Root")
    ada = await person(site.door, status=before)
    async with site.browser() as admin:
        await site.sign_in(admin, root.email)
        first = await admin.post(f"/v1/admin/users/{ada.id}/{verb}")
        mails = len(await site.door.events())
        empty = {"Content-Type": "application/json"}
        again = await admin.post(f"/v1/admin/users/{ada.id}/{verb}", content=b"", headers=empty)
    assert (first.status_code, first.json()["status"]) == (200, after.value)
    assert (first.json()["decided_by_name"], first.json()["decision_reason"]) == ("Root", None)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await site.door.events()) == mails
    assert len(await noted(site.door, ada.id)) == 1


@every_verb
async def test_a_decision_that_is_not_allowed_is_a_conflict(site: Site, verb: str) -> None:
    ada = await person(site.door, status=Status.UNVERIFIED)
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.post(f"/v1/admin/users/{ada.id}/{verb}")
    assert "unverified" in problem(answer, 409, "transition_not_allowed")["detail"]


@every_verb
async def test_nothing_is_decided_about_nobody(site: Site, verb: str) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        problem(await admin.post(f"/v1/admin/users/{new_id()}/{verb}"), 404, "user_not_found")
        problem(await admin.post(f"/v1/admin/users/nobody/{verb}"), 422, "invalid_request")


@pytest.mark.parametrize(("verb", "event"), [("reject", AccountRejected), ("suspend", AccountSuspended)])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"reason": "  We met, and <b>no</b>. "}, "We met, and <b>no</b>."),
        ({"reason": "x" * 500}, "x" * 500),
        (
            {"reason": "We do not know you. \n\nWrite to us:\r\n  root@example.org\n"},
            "We do not know you. Write to us: root@example.org",
        ),
        ({"reason": " \n "}, None),
        ({"reason": None}, None),
        ({}, None),
    ],
)
async def test_a_reason_reaches_whom_it_is_about(
    site: Site,
    verb: str,
    event: type[AccountRejected | AccountSuspended],
    body: dict[str, str | None],
    reason: str | None,
) -> None:
    ada = await person(site.door, status=VERBS[verb][0])
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.post(f"/v1/admin/users/{ada.id}/{verb}", json=body)
    assert (answer.status_code, answer.json()["decision_reason"]) == (200, reason)
    (mailed,) = await told(site.door, event)
    assert unseal(mailed, Reasoned, sealer=site.door.sealer).reason == reason


@pytest.mark.parametrize("verb", ["reject", "suspend"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "with a\ttab"}, "reason"),
        ({"reason": "two\u2028lines"}, "reason"),
        ({"reason": "turned \u202e round"}, "reason"),
        ({"reason": 5}, "reason"),
        ({"why": "typo"}, "body"),
        (["reason"], "body"),
    ],
)
async def test_a_reason_is_one_paragraph_of_plain_text(
    site: Site, verb: str, body: object, field: str
) -> None:
    ada = await person(site.door, status=VERBS[verb][0])
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.post(f"/v1/admin/users/{ada.id}/{verb}", json=body)
    assert [error["field"] for error in problem(answer, 422, "invalid_request")["errors"]] == [field]
    assert await seen(site.door, ada.id) == ada


async def test_who_is_suspended_is_refused_at_their_very_next_request(site: Site) -> None:
    ada = await person(site.door)
    async with site.browser() as admin, site.browser() as her, site.client() as program:
        await site.sign_in(admin, (await site.door.admin()).email)
        await site.sign_in(her, ada.email)
        bearer = await site.sign_in_program(program, ada.email)
        assert (await her.get("/v1/me")).status_code == 200
        assert (await program.get("/v1/me", headers=bearer)).status_code == 200
        assert (await admin.post(f"/v1/admin/users/{ada.id}/suspend")).status_code == 200
        problem(await her.get("/v1/me"), 401, "unauthenticated")
        problem(await program.get("/v1/me", headers=bearer), 401, "unauthenticated")
        assert (await admin.post(f"/v1/admin/users/{ada.id}/reinstate")).status_code == 200
        problem(await program.get("/v1/me", headers=bearer), 401, "unauthenticated")
        await site.sign_in(her, ada.email)


async def test_someone_invited_is_in_by_their_first_code(site: Site) -> None:
    async with site.browser() as admin, site.browser() as her:
        await site.sign_in(admin, (await site.door.admin()).email)
        sent = {"email": "Ada@Example.org", "name": "Ada", "locale": "de", "role": "admin"}
        invited = await admin.post("/v1/admin/invitations", json=sent)
        assert (invited.status_code, invited.json()["status"]) == (200, "invited")
        again = await admin.post("/v1/admin/invitations", json=sent)
        assert (again.status_code, again.json()) == (200, invited.json())
        await site.sign_in(her, "ada@example.org")
        assert (await her.get("/v1/admin/users")).status_code == 200
        after = await admin.post("/v1/admin/invitations", json={"email": "ada@example.org"})
        assert (after.status_code, after.json()["status"]) == (200, "active")
    (event,) = await told(site.door, UserInvited)
    assert unseal(event, Invitation, sealer=site.door.sealer).invited_by == "root"


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED, Status.SUSPENDED])
async def test_who_is_to_be_decided_about_is_not_invited(site: Site, status: Status) -> None:
    await person(site.door, status=status)
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.post("/v1/admin/invitations", json={"email": "ada@example.org"})
    assert status.value in problem(answer, 409, "transition_not_allowed")["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "ada@example.org", "role": "owner"}, "role"),
        ({"email": "ada@example.org", "name": "\u202e"}, "name"),
        ({"email": "ada@example.org", "status": "active"}, "body"),
    ],
)
async def test_an_invitation_that_cannot_be_is_told_so(site: Site, body: dict[str, str], field: str) -> None:
    async with site.browser() as admin:
        await site.sign_in(admin, (await site.door.admin()).email)
        answer = await admin.post("/v1/admin/invitations", json=body)
    assert [error["field"] for error in problem(answer, 422, "invalid_request")["errors"]] == [field]
