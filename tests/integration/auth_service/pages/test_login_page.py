"""The entrance, as the server draws it."""

from tests.integration.auth_service.api.site import ORIGIN, Site, open_site
from tests.integration.auth_service.pages.sheets import Sheet

APP = "https://app.example.org"
WAYS_BACK = (
    (f"{APP}/inbox?a=1&b=2", f"{APP}/inbox?a=1&b=2"),
    ("/admin", "/admin"),
    (f"{ORIGIN}/admin", f"{ORIGIN}/admin"),
    ("https://evil.example.org/", "/account"),
    ("//evil.example.org", "/account"),
    ("/\\evil.example.org", "/account"),
    ("javascript:alert(1)", "/account"),
    ("", "/account"),
)


async def test_only_newcomers_are_asked_for_a_name(site: Site) -> None:
    async with site.client() as client:
        login, register = Sheet(await client.get("/login")), Sheet(await client.get("/register"))
    assert "name" in register.fields("start-form")
    assert "name" not in login.fields("start-form")
    assert login.heading == "Sign in"
    assert register.heading == "Register"


async def test_whoever_is_signed_in_is_led_to_their_account(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        for path in ("/login", "/register", "/login?return_to=https://evil.example.org/"):
            answer = await browser.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_whoever_is_signed_in_is_led_on_within_the_site(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        answer = await browser.get("/login?return_to=/admin/audit")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/audit")


async def test_an_application_that_sends_who_is_signed_in_is_not_answered_for_ever(postgres_url: str) -> None:
    async with open_site(postgres_url, return_origins=f"{APP}") as site:
        await site.door.member("ada@example.org", name="<img src=x onerror=alert(1)>")
        async with site.browser() as browser:
            await site.sign_in(browser, "ada@example.org")
            page = Sheet(await browser.get("/login", params={"return_to": f"{APP}/inbox?a=1&b=2"}))
    assert page.status == 200
    assert page.heading == "You are signed in"
    assert f"{APP}/inbox?a=1&b=2" in page.links
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "<img src=x" not in page.source
    assert page.forms["/logout"] == {}


async def test_a_sign_in_leads_back_only_to_where_it_may(postgres_url: str) -> None:
    async with open_site(postgres_url, return_origins=APP) as site, site.client() as client:
        for asked, onward in WAYS_BACK:
            answer = await client.get("/login", params={"return_to": asked})
            page = Sheet(answer)
            assert page.attributes("main")["data-onward"] == onward
            kept = page.fields("start-form").get("return_to")
            assert kept == (None if onward == "/account" else onward)
            # An answer to a form may lead there too: browsers ask the policy.
            assert f"form-action 'self' {APP};" in answer.headers["content-security-policy"]


async def test_who_is_not_signed_in_signs_in_first_and_comes_back(site: Site) -> None:
    async with site.client() as client:
        for path in ("/account", "/admin", "/admin/audit?person=0198c5f0-1234-7abc-8def-0123456789ab"):
            answer = await client.get(path)
            assert answer.status_code == 303
            page = Sheet(await client.get(answer.headers["location"]))
            assert page.attributes("main")["data-onward"] == path
