from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from auth_service.model.remote_headers import NOBODY
from auth_service.model.users import Role
from auth_service.storage.tables import sessions
from tests.integration.auth_service.api.site import ORIGIN, Site, problem
from tests.integration.auth_service.api.visits import APP, serve_applications
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.presences import Present, age, present, set_status

VERIFY = "/v1/sessions/verify"
ACCESS = "__Secure-porter_access"
PAGE: Final = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "app.example.org",
    "X-Forwarded-Uri": "/notes?id=7&q=a%20b",
}


def _remote(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in NOBODY}


def _shown(who: Present, site: Site) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Give the three ways to show a session: each as headers and cookies."""
    return [
        ({}, {site.parts.door.cookies.session: who.token}),
        (who.bearer, {}),
        ({}, {ACCESS: who.access}),
    ]


async def _ask(
    site: Site, headers: dict[str, str], cookies: dict[str, str], method: str = "GET", query: str = ""
) -> httpx.Response:
    async with site.client(headers=headers, cookies=cookies) as proxy:
        return await proxy.request(method, f"{VERIFY}{query}")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_each_of_the_three_tokens_tells_who_comes(site: Site, method: str) -> None:
    serve_applications(site)
    ada = await present(site.parts.database, name="Łukasz Ünal")
    for headers, cookies in _shown(ada, site):
        answer = await _ask(site, headers, cookies, method)
        assert (answer.status_code, answer.content) == (204, b"")
        assert _remote(answer) == {
            "Remote-User": str(ada.user.id),
            "Remote-Email": "ada@example.org",
            "Remote-Name": "%C5%81ukasz %C3%9Cnal",
            "Remote-Groups": "member",
        }
        assert answer.headers["cache-control"] == "no-store"


async def test_an_administrator_is_in_their_group_as_long_as_they_are_one(site: Site) -> None:
    root = await present(site.parts.database, "root@example.org", role=Role.ADMIN)
    assert (await _ask(site, root.bearer, {})).headers["remote-groups"] == "admin"
    again = await present(site.parts.database, "root@example.org", name="Ada", role=Role.MEMBER)
    assert (await _ask(site, again.bearer, {})).headers["remote-groups"] == "member"
    assert (await _ask(site, root.bearer, {})).headers["remote-groups"] == "member"


@pytest.mark.parametrize("query", ["", "?redirect=1"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nobody_is_told_as_nobody_with_all_headers_there(site: Site, method: str, query: str) -> None:
    answer = await _ask(site, {}, {}, method, query)
    assert answer.status_code == 401
    assert _remote(answer) == NOBODY
    assert answer.headers["www-authenticate"] == 'Bearer realm="porter"'
    if method == "GET":
        problem(answer, 401, "unauthenticated")


async def test_tokens_count_in_their_own_place_only(site: Site) -> None:
    serve_applications(site)
    ada = await present(site.parts.database)
    session = site.parts.door.cookies.session
    for headers, cookies in (
        ({"Authorization": f"Bearer {ada.access}"}, {}),
        ({}, {session: ada.access}),
        ({}, {ACCESS: ada.token}),
        ({"Authorization": "Bearer nonsense"}, {session: ada.token, ACCESS: ada.access}),
        ({}, {ACCESS: "nonsense"}),
    ):
        answer = await _ask(site, headers, cookies)
        problem(answer, 401, "unauthenticated")
        assert _remote(answer) == NOBODY
        assert "set-cookie" not in answer.headers


async def test_where_no_applications_are_served_their_token_counts_for_nothing(site: Site) -> None:
    ada = await present(site.parts.database)
    problem(await _ask(site, {}, {ACCESS: ada.access}), 401, "unauthenticated")


async def test_a_session_that_ends_is_refused_by_the_very_next_request(site: Site) -> None:
    serve_applications(site)
    database = site.parts.database
    for ending in ("suspended", "idle", "over"):
        ada = await present(database, f"{ending}@example.org")
        for headers, cookies in _shown(ada, site):
            assert (await _ask(site, headers, cookies)).status_code == 204
        if ending == "suspended":
            await set_status(database, ada.user.id, ending)
        elif ending == "idle":
            idle = site.parts.door.rules.session_idle
            await age(database, ada.session.id, last_seen_at=idle + timedelta(seconds=1))
        else:
            await age(database, ada.session.id, expires_at=timedelta(seconds=1))
        for headers, cookies in _shown(ada, site):
            problem(await _ask(site, headers, cookies), 401, "unauthenticated")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_asking_costs_a_statement_and_notes_use_every_quarter_of_an_hour(
    site: Site, method: str
) -> None:
    serve_applications(site)
    ada = await present(site.parts.database)
    for headers, cookies in _shown(ada, site):
        for minutes, costs in ((0, 1), (14, 1), (16, 2)):
            await age(site.parts.database, ada.session.id, last_seen_at=timedelta(minutes=minutes))
            with StatementLog(site.parts.database) as log:
                assert (await _ask(site, headers, cookies, method)).status_code == 204
            assert len(log.statements) == costs
            writes = [each for each in log.statements if not each.startswith("SELECT")]
            assert [each.split()[:2] for each in writes] == [["UPDATE", "auth.sessions"]] * (costs - 1)
    async with site.parts.database.engine.connect() as connection:
        seen = (await connection.execute(select(sessions.c.last_seen_at))).scalar_one()
    assert seen > ada.session.last_seen_at


async def test_a_visitor_of_a_page_is_sent_to_sign_in_and_back(site: Site) -> None:
    serve_applications(site)
    answer = await _ask(site, PAGE, {}, query="?redirect=1")
    assert answer.status_code == 303
    assert _remote(answer) == NOBODY
    login = urlsplit(answer.headers["location"])
    assert f"{login.scheme}://{login.netloc}{login.path}" == f"{ORIGIN}/login"
    assert parse_qs(login.query) == {"return_to": [f"{APP}/notes?id=7&q=a%20b"]}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Host", "app.example.org.evil.example"),
        ("X-Forwarded-Host", "app.example.org@evil.example"),
        ("X-Forwarded-Host", "app.example.org:8443"),
        ("X-Forwarded-Host", ""),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Uri", ".evil.example/"),
        ("X-Forwarded-Uri", "@evil.example/"),
        ("X-Forwarded-Uri", "/\\evil"),
        ("X-Forwarded-Uri", "/" + "a" * 3000),
    ],
)
async def test_nobody_is_led_back_to_where_it_was_not_agreed(site: Site, header: str, value: str) -> None:
    serve_applications(site)
    answer = await _ask(site, PAGE | {header: value}, {}, query="?redirect=1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ORIGIN}/login")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Accept", "application/json"),
        ("Accept", "*/*"),
        ("X-Forwarded-Method", "POST"),
        ("X-Forwarded-Method", "HEAD"),
    ],
)
async def test_what_is_no_visit_of_a_page_is_refused_and_not_redirected(
    site: Site, header: str, value: str
) -> None:
    serve_applications(site)
    problem(await _ask(site, PAGE | {header: value}, {}, query="?redirect=1"), 401, "unauthenticated")


async def test_without_a_forwarded_method_the_requests_own_counts(site: Site) -> None:
    serve_applications(site)
    page = {name: value for name, value in PAGE.items() if name != "X-Forwarded-Method"}
    assert (await _ask(site, page, {}, query="?redirect=1")).status_code == 303
    assert (await _ask(site, page, {}, "HEAD", query="?redirect=1")).status_code == 401


async def test_who_is_no_proxy_of_ours_says_nothing_about_another_request(site: Site) -> None:
    serve_applications(site)
    site.app.state.door = replace(site.app.state.door, trusted_proxies=(ip_network("192.0.2.0/24"),))
    for own in ({}, {"X-Forwarded-Method": "POST"}, {"X-Forwarded-For": "192.0.2.1"}):
        answer = await _ask(site, PAGE | own, {}, query="?redirect=1")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{ORIGIN}/login")
    assert (await _ask(site, PAGE, {}, "HEAD", query="?redirect=1")).status_code == 401


async def test_who_is_signed_in_is_never_redirected(site: Site) -> None:
    serve_applications(site)
    ada = await present(site.parts.database)
    for headers, cookies in _shown(ada, site):
        assert (await _ask(site, PAGE | headers, cookies, query="?redirect=1")).status_code == 204


async def test_a_wish_that_cannot_be_read_is_told_so(site: Site) -> None:
    told = problem(await _ask(site, {}, {}, query="?redirect=perhaps"), 422, "invalid_request")
    assert told["errors"][0]["field"] == "redirect"
