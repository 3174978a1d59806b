import pytest

from auth_service.model.audit import Action
from auth_service.model.users import Role
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.api.visits import serve_applications, visiting
from tests.integration.auth_service.presences import audited, present

SOMEONE = "0198c5f0-1234-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/v1/admin/users", "GET /v1/admin/users"),
        ("POST", f"/v1/admin/users/{SOMEONE}/approve", "POST /v1/admin/users/{user_id}/approve"),
    ],
)
async def test_a_member_who_tries_to_administer_is_refused_and_noted(
    site: Site, method: str, path: str, route: str
) -> None:
    async with visiting(site) as ada:
        answer = await ada.browser.request(method, path)
    problem(answer, 403, "forbidden")
    (noted,) = await audited(site.parts.database, Action.ACCESS_REFUSED)
    assert noted == {
        "reason": "forbidden",
        "route": route,
        "actor": ada.user.id,
        "subject": None,
        "client_address": "127.0.0.1",
    }


async def test_an_administrators_and_a_strangers_calls_are_no_refused_access(site: Site) -> None:
    async with visiting(site, "root@example.org", role=Role.ADMIN) as root, site.browser() as nobody:
        assert (await root.browser.get("/v1/admin/users")).status_code == 200
        problem(await nobody.get("/v1/admin/users"), 401, "unauthenticated")
    assert await audited(site.parts.database, Action.ACCESS_REFUSED) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("DELETE", "/v1/me"),
        ("GET", "/v1/sessions"),
        ("DELETE", "/v1/sessions/current"),
        ("DELETE", f"/v1/sessions/{new_id()}"),
        ("POST", "/v1/sessions/revoke-others"),
        ("GET", "/v1/admin/users"),
        ("POST", f"/v1/admin/users/{new_id()}/approve"),
    ],
)
@pytest.mark.parametrize("shown", ["as bearer", "as the session", "as itself"])
async def test_the_token_for_applications_opens_no_other_call(
    site: Site, method: str, path: str, shown: str
) -> None:
    serve_applications(site)
    root = await present(site.parts.database, "root@example.org", role=Role.ADMIN)
    cookies = {
        "as bearer": {},
        "as the session": {site.parts.door.cookies.session: root.access},
        "as itself": {"__Secure-porter_access": root.access},
    }[shown]
    async with site.browser() as browser:
        browser.cookies.update(cookies)
        if shown == "as bearer":
            browser.headers["Authorization"] = f"Bearer {root.access}"
        answer = await browser.request(method, path, json={} if method == "PATCH" else None)
    problem(answer, 401, "unauthenticated")
