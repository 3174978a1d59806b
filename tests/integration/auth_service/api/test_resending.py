"""Asking for a mail once more, over HTTP."""

from datetime import timedelta

import pytest
from sqlalchemy import literal, update

from auth_service.storage.tables import challenges
from tests.integration.auth_service.api.site import Site, problem

ADA = "ada@example.org"


async def _later(site: Site) -> None:
    async with site.parts.database.engine.begin() as connection:
        past = challenges.c.mailed_at - literal(timedelta(seconds=61))
        await connection.execute(update(challenges).values(mailed_at=past))


async def test_a_browser_asks_again_after_a_while(site: Site) -> None:
    await site.door.admin(ADA)
    async with site.browser() as browser:
        first = (await site.ask(browser, ADA)).json()
        again = f"/v1/login/challenges/{first['challenge_id']}/resend"
        answer = await browser.post(again)
        told = problem(answer, 429, "resend_too_soon")
        assert 50 < int(answer.headers["retry-after"]) <= 60
        assert f"{answer.headers['retry-after']} s" in told["detail"]
        await _later(site)
        answer = await browser.post(again)
        assert answer.status_code == 202
        second = answer.json()
        assert second.keys() == first.keys()
        assert second["resend_at"] > first["resend_at"]
        assert {name: second[name] for name in first if name != "resend_at"} == {
            name: first[name] for name in first if name != "resend_at"
        }
        code = {"code": await site.door.mailed_code_of(first["challenge_id"])}
        verified = await browser.post(f"/v1/login/challenges/{first['challenge_id']}/verify", json=code)
        assert verified.status_code == 200
        problem(await browser.post(again), 410, "challenge_closed")
    assert len(await site.door.letters_of(first["challenge_id"])) == 2


async def test_a_program_asks_again_with_its_binding_and_is_not_told_it_anew(site: Site) -> None:
    await site.door.admin(ADA)
    async with site.client() as program:
        asked = await program.post("/v1/login/challenges", json={"email": ADA, "transport": "bearer"})
        again = f"/v1/login/challenges/{asked.json()['challenge_id']}/resend"
        await _later(site)
        problem(await program.post(again, headers={"Porter-Binding": "B" * 43}), 410, "challenge_closed")
        answer = await program.post(again, headers={"Porter-Binding": asked.json()["binding"]})
        assert answer.status_code == 202
        assert "binding" not in answer.json()
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}])
async def test_a_page_elsewhere_cannot_have_mail_sent(site: Site, headers: dict[str, str]) -> None:
    await site.door.admin(ADA)
    async with site.browser() as browser:
        challenge_id = (await site.ask(browser, ADA)).json()["challenge_id"]
        await _later(site)
        cookies = dict(browser.cookies)
    async with site.client(headers=headers, cookies=cookies) as victim:
        answer = await victim.post(f"/v1/login/challenges/{challenge_id}/resend")
        problem(answer, 403, "origin_refused")
    assert len(await site.door.letters_of(challenge_id)) == 1
