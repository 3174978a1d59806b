import re

from tests.integration.auth_service.api.site import Site

TO_ADMIN = r'id="to-admin"(?P<hidden>[^>]* hidden)?[^>]*>\s*<a href="/admin">'


async def test_only_newcomers_are_asked_for_a_name(site: Site) -> None:
    async with site.client() as client:
        login, register = await client.get("/login"), await client.get("/register")
    assert 'id="name"' in register.text
    assert 'id="name"' not in login.text


async def test_whoever_is_signed_in_sees_it_and_a_name_is_never_markup(site: Site) -> None:
    await site.door.member("ada@example.org", name="<img src=x onerror=alert(1)>")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        page = (await browser.get("/login")).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
    assert re.search(r'id="start-form"[^>]* hidden', page)
    assert not re.search(r'id="signed-in"[^>]* hidden', page)


async def test_heading_and_title_tell_whether_someone_is_signed_in(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        before = (await browser.get("/login")).text
        await site.sign_in(browser, "ada@example.org")
        after = (await browser.get("/login")).text
    for page, heading in ((before, "Sign in"), (after, "Welcome")):
        assert f"<title>{heading} · Porter</title>" in page
        assert re.search(rf"<h1[^>]*>{heading}</h1>", page)


async def test_only_administrators_are_shown_the_way_to_the_others(site: Site) -> None:
    await site.door.member("ada@example.org")
    root = await site.door.admin()
    for email, hidden in (("ada@example.org", True), (root.email, False)):
        async with site.browser() as browser:
            await site.sign_in(browser, email)
            link = re.search(TO_ADMIN, (await browser.get("/login")).text)
        assert link is not None
        assert (link["hidden"] is not None) is hidden
