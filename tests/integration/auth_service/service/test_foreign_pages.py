"""A page elsewhere makes a browser ask in its owner's name: nothing changes, at any call and any form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from starlette.routing import Route

from auth_service.pages import routes
from tests.integration.auth_service.api.site import open_site
from tests.integration.auth_service.service.calls import listed
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import Service
from tests.integration.auth_service.service.tables import contents

FORM = "application/x-www-form-urlencoded"
ELSEWHERE = "https://evil.example"


@dataclass(frozen=True)
class Page:
    """What a browser sends for a page elsewhere: how it writes the body, and whence it says it comes."""

    media_type: str | None
    headers: Mapping[str, str]

    def content(self, body: Mapping[str, object]) -> bytes:
        if self.media_type is None:
            return b""
        if self.media_type == FORM:
            return urlencode({name: str(value) for name, value in body.items()}).encode()
        return json.dumps(body).encode()


CROSS = {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
PAGES = {
    "a form": Page(FORM, CROSS),
    "a form as text": Page("text/plain", CROSS),
    "a form without fields": Page(None, CROSS),
    "a form of a neighbour": Page(FORM, {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"}),
    "a script": Page("application/json", CROSS),
    "a script in a sandbox": Page("application/json", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
    "a script that says both": Page(
        "application/json", {"Origin": ELSEWHERE, "Sec-Fetch-Site": "same-origin"}
    ),
    "an old browser's form": Page(FORM, {"Referer": f"{ELSEWHERE}/"}),
    "an old browser's script": Page("application/json", {"Origin": ELSEWHERE}),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
async def test_a_page_elsewhere_changes_nothing(service: Service, page: Page) -> None:
    calls = [call for call in await listed(service) if call.is_unsafe]
    assert len(calls) >= 15
    async with service.postgres() as connection:
        (root,), (victim,) = await settle(connection, 1, role="admin"), await settle(connection, 1)
        async with _browser(service, root, page.headers) as browser:
            before = await contents(connection)
            for call in calls:
                answer = await browser.request(
                    call.method,
                    call.at(user_id=victim.id, session_id=root.session_id),
                    content=page.content(call.body or {}),
                    headers={"Content-Type": page.media_type} if page.media_type else {},
                )
                refusals = {403, 415} if page.media_type or call.body is None else {403, 422}
                assert answer.status_code in refusals, (call, answer.text)
                assert "set-cookie" not in answer.headers, call
                assert await contents(connection) == before, call


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
async def test_a_page_elsewhere_sends_none_of_our_forms(
    service: Service, page: Page, postgres_url: str
) -> None:
    async with open_site(postgres_url) as site:
        forms = [
            route.path
            for route in routes.page_routes(site.parts.door)
            if isinstance(route, Route) and "POST" in (route.methods or set())
        ]
    assert {"/login", "/register", "/login/code", "/logout"} <= set(forms)
    body = {"email": "eve@example.org", "name": "Eve", "code": "123456"}
    async with service.postgres() as connection:
        (root,) = await settle(connection, 1, role="admin")
        async with _browser(service, root, page.headers) as browser:
            before = await contents(connection)
            for path in forms:
                answer = await browser.post(
                    path,
                    content=page.content(body),
                    headers={"Content-Type": page.media_type} if page.media_type else {},
                )
                assert answer.status_code in {303, 403, 415}, path
                assert "set-cookie" not in answer.headers, path
                assert await contents(connection) == before, path


async def test_our_own_page_changes_what_it_asks_for(service: Service) -> None:
    """The same browser with our own origin: or else nothing above would prove anything."""
    async with service.postgres() as connection:
        (root,) = await settle(connection, 1, role="admin")
        async with _browser(service, root, {"Origin": service.url}) as browser:
            assert (await browser.patch("/v1/me", json={"name": "Root"})).json()["name"] == "Root"
            asked = await browser.post("/login", data={"email": root.email})
            assert (asked.status_code, "porter_binding" in asked.cookies) == (200, True)


def _browser(service: Service, person: Person, headers: Mapping[str, str]) -> httpx.AsyncClient:
    client = service.client(headers)
    client.cookies.set("porter_session", person.token)
    client.cookies.set("porter_binding", "B" * 43)
    client.cookies.set("porter_device", "D" * 43)
    return client
