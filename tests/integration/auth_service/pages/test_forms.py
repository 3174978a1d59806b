"""Plain forms, as browsers without scripts send them."""

import httpx
import pytest

from auth_service.model.users import Status
from auth_service.pages.forms import MEDIA_TYPE
from contracts.identifiers import new_id
from devstack.ports import free_port
from tests.integration.auth_service.api.site import ORIGIN, Site, open_site
from tests.integration.auth_service.door import wrong
from tests.integration.auth_service.pages.sheets import Sheet

ADA = "ada@example.org"
FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://evil.example.org"},
    {"Origin": "null"},
    {"Origin": f"{ORIGIN}.evil.example.org"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example.org", "Sec-Fetch-Site": "same-origin"},
)
ODD_BODIES = (
    ("application/json", b'{"email": "ada@example.org"}', 415),
    ("multipart/form-data; boundary=x", b"--x--", 415),
    (MEDIA_TYPE, b"\xff\xfe=1", 422),
    (MEDIA_TYPE, b"email=%FF%FE", 422),
    (MEDIA_TYPE, b"&".join([b"a=1"] * 100), 422),
    (MEDIA_TYPE, b"", 422),
    (MEDIA_TYPE, b"email=%00%0d%0a", 422),
)
WRONG = (
    ("/login", {"email": "ada"}, "email"),
    ("/login", {"email": ""}, "email"),
    ("/register", {"email": "ada@", "name": "Ada"}, "email"),
    ("/register", {"email": ADA, "name": "  "}, "name"),
    ("/register", {"email": ADA, "name": "A" * 101}, "name"),
)
FORMS = ("/login", "/register", "/login/code", "/logout")


async def send(browser: httpx.AsyncClient, sheet: Sheet, action: str, **typed: str) -> httpx.Response:
    """Fill in a form that a page shows and send it as a browser would."""
    assert action in sheet.forms
    return await browser.post(action, data=sheet.fields(action) | typed)


async def asked(browser: httpx.AsyncClient, email: str = ADA, path: str = "/login") -> Sheet:
    """Ask for a code on the login page."""
    return Sheet(await send(browser, Sheet(await browser.get(path)), "/login", email=email))


async def test_someone_signs_in_and_out_without_scripts(site: Site) -> None:
    await site.door.member(ADA)
    async with site.browser() as browser:
        page = await asked(browser, f" {ADA.upper()} ")
        assert (page.status, page.heading) == (200, "Check your mail")
        assert not page.is_hidden("answer")
        assert page.is_hidden("start-form")
        code = await site.door.mailed_code_of(page.fields("/login/code")["challenge"])
        answer = await send(browser, page, "/login/code", code=f"{code[:3]} {code[3:]}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert (await browser.get("/v1/me")).json()["email"] == ADA

        left = await send(browser, Sheet(await browser.get("/account")), "/logout")
        assert (left.status_code, left.headers["location"]) == (303, "/login")
        assert (await browser.get("/v1/me")).status_code == 401
        again = await browser.post("/logout")
        assert (again.status_code, again.headers["location"]) == (303, "/login")


async def test_the_way_back_survives_every_form(site: Site) -> None:
    await site.door.member(ADA)
    async with site.browser() as browser:
        page = await asked(browser, path="/login?return_to=/admin/audit")
        code = await site.door.mailed_code_of(page.fields("/login/code")["challenge"])
        page = Sheet(await send(browser, page, "/login/code", code=wrong(code)))
        answer = await send(browser, page, "/login/code", code=code)
    assert answer.headers["location"] == "/admin/audit"


async def test_a_way_back_that_was_slipped_in_is_not_taken(site: Site) -> None:
    await site.door.member(ADA)
    async with site.browser() as browser:
        page = await asked(browser)
        code = await site.door.mailed_code_of(page.fields("/login/code")["challenge"])
        answer = await send(browser, page, "/login/code", code=code, return_to="https://evil.example.org/")
    assert answer.headers["location"] == "/account"


async def test_a_newcomer_registers_without_scripts_and_waits(site: Site) -> None:
    async with site.browser(**{"Accept-Language": "de"}) as browser:
        page = Sheet(await browser.get("/register"))
        page = Sheet(await send(browser, page, "/register", email=ADA, name=" Ada  Lovelace "))
        code = await site.door.mailed_code_of(page.fields("/login/code")["challenge"])
        page = Sheet(await send(browser, page, "/login/code", code=code))
    assert (page.status, page.heading) == (403, "Fast geschafft")
    assert not page.is_hidden("waiting")
    assert "Ihre Adresse ist bestätigt." in page.text
    async with site.door.database.unit() as unit:
        ada = await unit.users.find(ADA)
    assert ada is not None
    assert (ada.name, ada.locale, ada.status) == ("Ada Lovelace", "de", Status.PENDING)


async def test_a_wrong_code_is_told_at_its_field_until_the_last_try(site: Site) -> None:
    await site.door.member(ADA)
    async with site.browser() as browser:
        page = await asked(browser)
        code = await site.door.mailed_code_of(page.fields("/login/code")["challenge"])
        for left in (4, 3, 2, 1):
            page = Sheet(await send(browser, page, "/login/code", code=wrong(code)))
            assert page.status == 400
            assert f"You have {left} more tries." in page.text or (left == 1 and "one more try" in page.text)
            field = page.attributes("code")
            assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "message")
        page = Sheet(await send(browser, page, "/login/code", code=wrong(code)))
        assert "that was the last try" in page.text
        assert not page.is_hidden("start-form")
        assert page.fields("/login")["email"] == ADA


async def test_what_cannot_be_is_told_at_its_field_and_kept(site: Site) -> None:
    async with site.browser() as browser:
        for form, typed, field in WRONG:
            page = Sheet(await send(browser, Sheet(await browser.get(form)), form, **typed))
            assert page.status == 422
            assert page.attributes(field)["aria-invalid"] == "true"
            assert page.attributes(field)["aria-describedby"] == "message"
            assert page.attributes(field)["value"] == typed[field]
            assert not page.is_hidden("start-form")
    assert await site.door.events() == []


async def test_a_code_that_is_none_and_a_challenge_that_is_none_are_told(site: Site) -> None:
    async with site.browser() as browser:
        page = await asked(browser)
        answer = Sheet(await send(browser, page, "/login/code", code="12"))
        assert (answer.status, answer.attributes("code")["aria-invalid"]) == (422, "true")
        for challenge in ("", "no-id", "0198c5f0-1234-7abc-8def-0123456789ab"):
            answer = Sheet(await send(browser, page, "/login/code", code="123456", challenge=challenge))
            assert answer.status == 410
            assert not answer.is_hidden("start-form")


async def test_what_someone_types_is_never_markup(site: Site) -> None:
    markup = '"><script>alert(1)</script>'
    async with site.browser() as browser:
        for form, typed in (("/login", {"email": markup}), ("/register", {"email": markup, "name": markup})):
            page = await send(browser, Sheet(await browser.get(form)), form, **typed)
            assert "<script>alert" not in page.text
            assert Sheet(page).attributes("email")["value"] == markup


@pytest.mark.parametrize("form", FORMS)
async def test_a_form_of_another_site_changes_nothing(site: Site, form: str) -> None:
    await site.door.member(ADA)
    async with site.browser() as own:
        await site.sign_in(own, ADA)
        before = await site.door.events()
        for headers in FOREIGN:
            async with site.client(headers=headers, cookies=dict(own.cookies)) as foreign:
                answer = await foreign.post(form, data={"email": ADA, "name": "Ada", "code": "123456"})
            assert answer.status_code in {303, 403}
            assert "set-cookie" not in answer.headers
        assert await site.door.events() == before
        assert (await own.get("/v1/me")).status_code == 200


async def test_what_no_form_of_ours_sends_is_refused(site: Site) -> None:
    async with site.browser() as browser:
        for form in ("/login", "/register"):
            for kind, body, status in ODD_BODIES:
                answer = await browser.post(form, content=body, headers={"Content-Type": kind})
                assert answer.status_code == status, (kind, body)
                assert answer.headers["content-type"].startswith("text/html")
    assert await site.door.events() == []


async def test_a_form_without_end_is_not_read(site: Site) -> None:
    async with site.browser() as browser:
        answer = await browser.post("/login", data={"email": "a" * 70_000})
    assert answer.status_code == 413


async def test_without_its_database_the_forms_say_so_and_keep_what_was_typed() -> None:
    nowhere = f"postgresql://porter@127.0.0.1:{free_port()}/porter"
    async with open_site(nowhere) as site, site.browser() as browser:
        page = await browser.post("/login", data={"email": ADA})
        assert (page.status_code, page.headers["retry-after"]) == (503, "2")
        assert Sheet(page).attributes("email")["value"] == ADA
        browser.cookies.set("__Host-porter_session", "A" * 43, domain="login.example.org")
        for path in ("/account", "/admin", f"/admin/audit?person={new_id()}&lang=de"):
            page = await browser.get(path)
            assert (page.status_code, Sheet(page).heading) == (503, "Back in a moment")
            assert path in Sheet(page).links
        assert (await browser.get("/login")).status_code == 200
        assert (await browser.get("/login/link")).status_code == 200
        page = await browser.post("/logout")
        assert page.status_code == 503
        (again,) = Sheet(page).links - {"#main"}
        assert Sheet(await browser.get(again)).heading == "Back in a moment"


@pytest.mark.parametrize(
    ("method", "by_code"), [("otp", True), ("magic_link", False), ("otp_and_link", True)]
)
async def test_only_what_was_mailed_is_asked_for(postgres_url: str, method: str, *, by_code: bool) -> None:
    async with open_site(postgres_url, login_method=method) as site, site.browser() as browser:
        page = await asked(browser)
    assert page.is_hidden("code-form") is not by_code
    assert page.is_hidden("link-alone") is by_code
    assert page.is_hidden("link-too") is (method != "otp_and_link")
