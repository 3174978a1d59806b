"""Signing in by link, over HTTP."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.auth_service.api.site import Site, open_site, problem

CONSUME = "/v1/login/links/consume"
ADA = "ada@example.org"


@pytest_asyncio.fixture
async def linking(postgres_url: str) -> AsyncIterator[Site]:
    """Open a site that mails links beside codes; Ada is known there."""
    async with open_site(postgres_url, login_method="otp_and_link") as opened:
        await opened.door.admin(ADA)
        yield opened


async def _mailed(site: Site, challenge_id: str) -> str:
    letter = await site.door.mailed_of(challenge_id)
    assert letter.link is not None
    assert letter.link.startswith("https://login.example.org/login/link#")
    assert letter.token is not None
    return letter.token


async def test_a_link_signs_a_browser_in_and_its_code_is_spent_with_it(linking: Site) -> None:
    async with linking.browser() as browser:
        told = (await linking.ask(browser, ADA)).json()
        assert told["method"] == "otp_and_link"
        token = await _mailed(linking, told["challenge_id"])
        answer = await browser.post(CONSUME, json={"token": token})
        assert (answer.status_code, answer.json()["user"]["email"]) == (200, ADA)
        assert answer.json()["session"].keys() == {"id", "created_at", "expires_at"}
        assert (await browser.get("/v1/me")).json()["email"] == ADA
        code = {"code": await linking.door.mailed_code_of(told["challenge_id"])}
        verify = f"/v1/login/challenges/{told['challenge_id']}/verify"
        problem(await browser.post(verify, json=code), 410, "challenge_closed")
        problem(await browser.post(CONSUME, json={"token": token}), 410, "challenge_closed")


async def test_elsewhere_a_browser_is_asked_first(linking: Site) -> None:
    async with linking.browser() as browser, linking.browser() as phone:
        token = await _mailed(linking, (await linking.ask(browser, ADA)).json()["challenge_id"])
        told = problem(await phone.post(CONSUME, json={"token": token}), 409, "link_elsewhere")
        assert told["masked_address"] == "a•••@e•••.org"
        assert not phone.cookies
        problem(await phone.get("/v1/me"), 401, "unauthenticated")
        answer = await phone.post(CONSUME, json={"token": token, "elsewhere": True})
        assert answer.status_code == 200
        assert (await phone.get("/v1/me")).status_code == 200
        problem(await browser.post(CONSUME, json={"token": token}), 410, "challenge_closed")


async def test_a_program_takes_a_link_for_tokens(linking: Site) -> None:
    async with linking.client() as program:
        told = (await program.post("/v1/login/challenges", json={"email": ADA, "transport": "bearer"})).json()
        token = await _mailed(linking, told["challenge_id"])
        binding = {"Porter-Binding": told["binding"]}
        answer = await program.post(CONSUME, json={"token": token, "transport": "bearer"}, headers=binding)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        signed = {"Authorization": f"Bearer {answer.json()['session']['token']}"}
        assert (await program.get("/v1/me", headers=signed)).json()["email"] == ADA


async def test_a_program_without_the_binding_is_elsewhere(linking: Site) -> None:
    async with linking.browser() as browser, linking.client() as program:
        token = await _mailed(linking, (await linking.ask(browser, ADA)).json()["challenge_id"])
        sent = {"token": token, "transport": "bearer"}
        problem(await program.post(CONSUME, json=sent), 409, "link_elsewhere")
        answer = await program.post(CONSUME, json={**sent, "elsewhere": True})
        assert len(answer.json()["session"]["token"]) == 43
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}])
async def test_a_page_elsewhere_cannot_sign_a_browser_in(linking: Site, headers: dict[str, str]) -> None:
    async with linking.browser() as browser, linking.client(headers=headers) as victim:
        token = await _mailed(linking, (await linking.ask(browser, ADA)).json()["challenge_id"])
        for elsewhere in (False, True):
            answer = await victim.post(CONSUME, json={"token": token, "elsewhere": elsewhere})
            problem(answer, 403, "origin_refused")
        assert (await browser.post(CONSUME, json={"token": token})).status_code == 200


@pytest.mark.parametrize("token", ["", "T" * 43, "not a token", "T" * 200, "é" * 43])
async def test_what_is_no_link_opens_nothing(linking: Site, token: str) -> None:
    async with linking.browser() as browser:
        for elsewhere in (False, True):
            answer = await browser.post(CONSUME, json={"token": token, "elsewhere": elsewhere})
            problem(answer, 410, "challenge_closed")


@pytest.mark.parametrize("token", [None, 7, "T" * 201])
async def test_what_is_not_even_text_is_told_so(linking: Site, token: object) -> None:
    async with linking.browser() as browser:
        problem(await browser.post(CONSUME, json={"token": token}), 422, "invalid_request")


async def test_links_are_counted_by_how_they_ended(linking: Site) -> None:
    async with linking.browser() as browser, linking.browser() as phone:
        token = await _mailed(linking, (await linking.ask(browser, ADA)).json()["challenge_id"])
        for who in (phone, browser, browser):
            await who.post(CONSUME, json={"token": token})
    for result in ("link_elsewhere", "signed_in", "challenge_closed"):
        labels = {"method": "magic_link", "result": result}
        assert linking.parts.registry.get_sample_value("auth_logins_total", labels) == 1


async def test_a_get_of_the_call_spends_nothing(linking: Site) -> None:
    async with linking.browser() as browser:
        token = await _mailed(linking, (await linking.ask(browser, ADA)).json()["challenge_id"])
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            assert (await browser.request(method, CONSUME, params={"token": token})).status_code == 405
        assert (await browser.post(CONSUME, json={"token": token})).status_code == 200
