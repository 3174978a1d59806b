"""How accounts know a browser or program again, and what is handed out at a sign-in."""

from collections.abc import Mapping

import httpx
from sqlalchemy import select

from auth_service.model.tokens import token_hash
from auth_service.storage.tables import challenges, devices, sessions
from tests.integration.auth_service.api.site import ORIGIN, Site, open_site

ADA = "ada@example.org"
DEVICE, SESSION = "__Host-porter_device", "__Host-porter_session"


async def _budget(site: Site) -> int:
    """Tell how many failures the last challenge may have in a day: a known device has 30."""
    async with site.parts.database.engine.connect() as connection:
        query = select(challenges.c.budget).order_by(challenges.c.id.desc()).limit(1)
        return int((await connection.execute(query)).scalar_one())


async def test_a_browser_is_known_again_after_it_signed_out(site: Site) -> None:
    await site.door.admin(ADA)
    async with site.browser() as browser:
        await site.sign_in(browser, ADA)
        assert await _budget(site) == 10
        known_by = browser.cookies[DEVICE]
        await browser.delete("/v1/sessions/current")
        assert SESSION not in browser.cookies
        await site.sign_in(browser, ADA)
        assert await _budget(site) == 30
        assert browser.cookies[DEVICE] == known_by
    async with site.parts.database.engine.connect() as connection:
        (row,) = (await connection.execute(select(devices))).all()
    assert row.token_hash == token_hash(known_by)


async def test_the_device_cookie_is_for_this_host_and_no_script_and_lasts(site: Site) -> None:
    await site.door.admin(ADA)
    async with site.browser() as browser:
        asked = await site.ask(browser, ADA)
        challenge_id = asked.json()["challenge_id"]
        code = {"code": await site.door.mailed_code_of(challenge_id)}
        answer = await browser.post(f"/v1/login/challenges/{challenge_id}/verify", json=code)
    assert DEVICE not in asked.headers["set-cookie"]
    (cookie,) = (each for each in answer.headers.get_list("set-cookie") if each.startswith(DEVICE))
    parts = {part.strip() for part in cookie.split(";")}
    assert parts >= {"HttpOnly", "Path=/", "SameSite=lax", "Secure", f"Max-Age={400 * 86400}"}
    assert "domain" not in cookie.lower()


async def _bearer_sign_in(
    site: Site, program: httpx.AsyncClient, headers: Mapping[str, str]
) -> dict[str, str]:
    sent = {"email": ADA, "transport": "bearer"}
    told = (await program.post("/v1/login/challenges", json=sent, headers=headers)).json()
    answer = await program.post(
        f"/v1/login/challenges/{told['challenge_id']}/verify",
        json={"code": await site.door.mailed_code_of(told["challenge_id"])},
        headers={**headers, "Porter-Binding": told["binding"]},
    )
    session: dict[str, str] = answer.json()["session"]
    return session


async def test_a_program_is_known_again_by_the_device_it_was_told(site: Site) -> None:
    await site.door.admin(ADA)
    async with site.client() as program:
        session = await _bearer_sign_in(site, program, {})
        assert len(session["device"]) == 43
        assert session["device"] != session["token"]
        assert await _budget(site) == 10
        again = await _bearer_sign_in(site, program, {"Porter-Device": session["device"]})
        assert again["device"] == session["device"]
        assert await _budget(site) == 30
        strange = await _bearer_sign_in(site, program, {"Porter-Device": "none of ours"})
        assert strange["device"] != session["device"]
        assert await _budget(site) == 10


async def test_a_sign_in_opens_applications_under_the_domain_by_a_cookie_of_theirs(
    postgres_url: str,
) -> None:
    async with open_site(postgres_url, cookie_domain="example.org") as site:
        await site.door.admin(ADA)
        async with site.browser() as browser:
            challenge_id = (await site.ask(browser, ADA)).json()["challenge_id"]
            code = {"code": await site.door.mailed_code_of(challenge_id)}
            answer = await browser.post(f"/v1/login/challenges/{challenge_id}/verify", json=code)
        cookies = {
            name: rest.partition(";")[0]
            for name, _, rest in (each.partition("=") for each in answer.headers.get_list("set-cookie"))
        }
        assert cookies.keys() == {SESSION, DEVICE, "__Secure-porter_access"}
        assert len(set(cookies.values())) == 3
        async with site.parts.database.engine.connect() as connection:
            (row,) = (await connection.execute(select(sessions))).all()
        assert row.access_hash == token_hash(cookies["__Secure-porter_access"])
        assert row.token_hash == token_hash(cookies[SESSION])
        async with site.client(headers={"Origin": ORIGIN}) as program:
            await _bearer_sign_in(site, program, {})
        async with site.parts.database.engine.connect() as connection:
            kept = (await connection.execute(select(sessions.c.access_hash))).scalars().all()
        assert sorted(each is None for each in kept) == [False, True]
