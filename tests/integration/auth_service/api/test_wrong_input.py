"""Whatever is wrong with a request: a problem that says what, and repeats nothing."""

import re
from collections.abc import AsyncIterator

import pytest

from auth_service.api.cookies import ACCESS
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import ORIGIN, Site, problem
from tests.integration.auth_service.api.visits import serve_applications

JSON = {"Content-Type": "application/json"}
CHALLENGES = "/v1/login/challenges"


@pytest.mark.parametrize(
    ("path", "body", "field", "sentence"),
    [
        (CHALLENGES, {"email": "ada"}, "email", "needs an @"),
        (CHALLENGES, {"email": ""}, "email", "needs an @"),
        (CHALLENGES, {"email": "ada@localhost"}, "email", "domain with a dot"),
        (CHALLENGES, {"email": "\u00e4da@example.org"}, "email", "ASCII"),
        (CHALLENGES, {"email": "ada\u0000@example.org"}, "email", "not a mail address"),
        (CHALLENGES, {"email": 7}, "email", "must be text"),
        (CHALLENGES, {"email": None}, "email", "must be text"),
        (CHALLENGES, {}, "email", "is needed"),
        (CHALLENGES, [], "body", "JSON object"),
        (CHALLENGES, "ada@example.org", "body", "JSON object"),
        (
            CHALLENGES,
            {"email": "ada@example.org", "transport": "pigeon"},
            "transport",
            "'cookie' or 'bearer'",
        ),
        (CHALLENGES, {"email": "ada@example.org", "role": "admin"}, "body", "a field is not known here"),
        ("/v1/registrations", {"email": "ada@example.org"}, "name", "is needed"),
        ("/v1/registrations", {"email": "ada@example.org", "name": " "}, "name", "must not be empty"),
        ("/v1/registrations", {"email": "ada@example.org", "name": "x" * 101}, "name", "at most 100"),
        ("/v1/registrations", {"email": "ada@example.org", "name": "a\nb"}, "name", "control characters"),
        (
            "/v1/registrations",
            {"email": "ada@example.org", "name": "www.evil.example"},
            "name",
            "web address",
        ),
        (
            "/v1/registrations",
            {"email": "ada@example.org", "name": "a", "locale": "../x"},
            "locale",
            "such as en",
        ),
        (f"{CHALLENGES}/{new_id()}/verify", {"code": "12345"}, "code", "6 to 8 digits"),
        (f"{CHALLENGES}/{new_id()}/verify", {"code": "abcdef"}, "code", "6 to 8 digits"),
        (f"{CHALLENGES}/{new_id()}/verify", {"code": 123456}, "code", "must be text"),
        (f"{CHALLENGES}/{new_id()}/verify", {}, "code", "is needed"),
        (f"{CHALLENGES}/42/verify", {"code": "123456"}, "challenge_id", "must be an id"),
    ],
)
async def test_a_wrong_field_is_named_in_a_plain_sentence(
    site: Site, path: str, body: object, field: str, sentence: str
) -> None:
    async with site.browser() as browser:
        told = problem(await browser.post(path, json=body), 422, "invalid_request")
    (error,) = told["errors"]
    assert error["field"] == field
    assert sentence in error["message"]
    assert told["detail"] == f"{field}: {error['message']}"


async def test_fields_that_are_not_known_are_told_once_and_not_by_their_names(site: Site) -> None:
    async with site.browser() as browser:
        sent = {"email": "ada@example.org", "123456": "1", "eve@example.org": "2"}
        answer = await browser.post(CHALLENGES, json=sent)
    told = problem(answer, 422, "invalid_request")
    assert told["errors"] == [{"field": "body", "message": "a field is not known here"}]
    assert not {"123456", "eve"} & set(re.findall(r"\w+", answer.text))


async def test_every_wrong_field_is_told_at_once(site: Site) -> None:
    async with site.browser() as browser:
        answer = await browser.post("/v1/registrations", json={"email": "ada", "name": ""})
    told = problem(answer, 422, "invalid_request")
    assert [error["field"] for error in told["errors"]] == ["email", "name"]


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b'{"email": }', b"\xff\xfe", b'{"email": "\xff"}', b"[" * 30_000, b"NaN,"]
)
async def test_what_is_no_json_is_told_so(site: Site, body: bytes) -> None:
    async with site.browser() as browser:
        problem(await browser.post(CHALLENGES, content=body, headers=JSON), 400, "invalid_json")


async def test_a_lone_surrogate_is_no_name(site: Site) -> None:
    async with site.browser() as browser:
        body = b'{"email": "ada@example.org", "name": "\\ud800"}'
        problem(await browser.post("/v1/registrations", content=body, headers=JSON), 422, "invalid_request")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"])
async def test_a_body_of_another_type_is_refused(site: Site, media_type: str) -> None:
    async with site.browser() as browser:
        body = b'{"email": "ada@example.org"}'
        answer = await browser.post(CHALLENGES, content=body, headers={"Content-Type": media_type})
    problem(answer, 415, "unsupported_media_type")


async def test_a_charset_beside_the_type_is_fine(site: Site) -> None:
    async with site.browser() as browser:
        body, headers = b'{"email": "ada@example.org"}', {"Content-Type": "application/json; charset=utf-8"}
        assert (await browser.post(CHALLENGES, content=body, headers=headers)).status_code == 202


async def test_a_body_over_64_kib_is_refused(site: Site) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    async with site.browser() as browser:
        problem(await browser.post(CHALLENGES, content=b" " * 65_537, headers=JSON), 413, "body_too_large")
        problem(await browser.post(CHALLENGES, content=in_pieces(), headers=JSON), 413, "body_too_large")


async def test_a_body_in_small_pieces_is_as_good_as_any(site: Site) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"email": ', b'"ada@example.org"', b"}"):
            yield piece

    async with site.browser() as browser:
        assert (await browser.post(CHALLENGES, content=in_pieces(), headers=JSON)).status_code == 202


@pytest.mark.parametrize("token", [None, "nonsense", "A" * 43])
async def test_signing_out_without_a_session_is_told_so(site: Site, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with site.browser() as browser:
        problem(await browser.delete("/v1/sessions/current", headers=headers), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v1/sessions/current"), ("POST", f"/v1/admin/users/{new_id()}/approve"), ("GET", "/v1/me")],
)
async def test_a_program_that_shows_nothing_is_told_to_sign_in(site: Site, method: str, path: str) -> None:
    async with site.client() as client:
        answer = await client.request(method, path)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="porter"'


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Origin": "http://login.example.org"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://login.example.org", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_what_comes_from_elsewhere_is_refused_with_the_mend(
    site: Site, headers: dict[str, str]
) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, ada.email)
        cookies = dict(browser.cookies)
    before = await site.door.events()
    async with site.client(headers=headers, cookies=cookies) as forged:
        answers = [
            await forged.post(CHALLENGES, json={"email": "ada@example.org"}),
            await forged.post("/v1/registrations", json={"email": "ada@example.org", "name": "Ada"}),
            await forged.post(f"{CHALLENGES}/{new_id()}/verify", json={"code": "123456"}),
            await forged.delete("/v1/sessions/current"),
            await forged.post(f"/v1/admin/users/{ada.id}/approve"),
        ]
        assert await site.door.events() == before
        for answer in answers:
            assert ORIGIN in problem(answer, 403, "origin_refused")["detail"]
            assert "set-cookie" not in answer.headers
        assert (await forged.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("value", ["A" * 43, "nonsense"])
async def test_a_cookie_that_opens_nothing_is_forgotten(site: Site, value: str) -> None:
    name = site.parts.door.cookies.session
    for method, path in (("GET", "/v1/me"), ("DELETE", "/v1/sessions/current")):
        async with site.client(headers={"Origin": ORIGIN}, cookies={name: value}) as browser:
            answer = await browser.request(method, path)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["set-cookie"].startswith(f'{name}=""; ')
        assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_with_the_session_its_cookie_for_applications_is_forgotten(site: Site) -> None:
    serve_applications(site)
    cookies = {site.parts.door.cookies.session: "A" * 43, ACCESS: "A" * 43}
    async with site.client(headers={"Origin": ORIGIN}, cookies=cookies) as browser:
        answer = await browser.get("/v1/me")
    problem(answer, 401, "unauthenticated")
    own, shared = answer.headers.get_list("set-cookie")
    assert own.startswith(f'{site.parts.door.cookies.session}=""; ')
    assert shared.startswith(f'{ACCESS}=""; ')
    assert "Domain=example.org" in shared
    assert all("Max-Age=0" in each for each in (own, shared))


async def test_a_wrong_token_costs_nobody_the_cookie_beside_it(site: Site) -> None:
    async with site.client(cookies={site.parts.door.cookies.session: "A" * 43}) as program:
        answer = await program.get("/v1/me", headers={"Authorization": "Bearer nonsense"})
    problem(answer, 401, "unauthenticated")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("origin", [{}, {"Origin": "null"}])
async def test_a_browser_may_tell_it_is_here_by_fetch_metadata(site: Site, origin: dict[str, str]) -> None:
    async with site.client(headers={"Sec-Fetch-Site": "same-origin", **origin}) as browser:
        assert (await browser.post(CHALLENGES, json={"email": "ada@example.org"})).status_code == 202


async def test_a_token_beside_a_cookie_counts_alone(site: Site) -> None:
    ada = await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, ada.email)
        answer = await browser.get("/v1/me", headers={"Authorization": "Bearer nonsense"})
    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/nowhere", "/v1/nowhere", "/v1/login/challenges/", "/static/nowhere.js"])
async def test_nothing_is_found_elsewhere(site: Site, path: str) -> None:
    async with site.client() as client:
        problem(await client.get(path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", CHALLENGES), ("POST", "/v1/me"), ("PUT", "/login")])
async def test_another_method_is_told_the_ones_there_are(site: Site, method: str, path: str) -> None:
    async with site.client() as client:
        answer = await client.request(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]
