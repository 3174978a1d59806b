"""Looking at a challenge while waiting for its mail."""

from dataclasses import replace
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from auth_service.model.challenges import Challenge
from auth_service.model.peppers import Peppers
from auth_service.storage.challenges import challenge_of
from auth_service.storage.tables import challenges
from contracts.identifiers import new_id
from contracts.streams import LOGIN
from tests.integration.auth_service.api.site import Site, open_site, problem
from tests.integration.auth_service.door import wrong

ADA = "ada@example.org"


async def test_a_challenge_is_open_where_it_was_asked_for_until_it_is_answered(site: Site) -> None:
    await site.door.admin(ADA)
    async with site.browser() as browser, site.browser() as stranger, site.client() as nobody:
        path = f"/v1/login/challenges/{(await site.ask(browser, ADA)).json()['challenge_id']}"
        await site.ask(stranger, "mallory@example.org")
        assert (await browser.get(path)).json()["state"] == "open"
        assert (await stranger.get(path)).json()["state"] == "closed"
        assert (await nobody.get(path)).json()["state"] == "closed"
        code = await site.door.mailed_code_of(path.rpartition("/")[2])
        await browser.post(f"{path}/verify", json={"code": code})
        assert (await browser.get(path)).json()["state"] == "closed"


async def test_out_of_attempts_a_code_is_closed_and_a_link_is_not(postgres_url: str) -> None:
    for method, state in (("otp", "closed"), ("otp_and_link", "open")):
        async with open_site(postgres_url, login_method=method) as site, site.browser() as browser:
            await site.door.admin(ADA)
            path = f"/v1/login/challenges/{(await site.ask(browser, ADA)).json()['challenge_id']}"
            code = wrong(await site.door.mailed_code_of(path.rpartition("/")[2]))
            for _ in range(5):
                await browser.post(f"{path}/verify", json={"code": code})
            assert (await browser.get(path)).json()["state"] == state


@pytest.mark.parametrize(("method", "state"), [("otp", "closed"), ("otp_and_link", "open")])
@pytest.mark.parametrize("email", [ADA, "nobody@example.org"])
async def test_where_too_much_was_guessed_a_code_is_closed_and_a_link_is_not(
    postgres_url: str, method: str, state: str, email: str
) -> None:
    async with open_site(postgres_url, login_method=method) as site, site.browser() as browser:
        await site.door.admin(ADA)
        first, guessed, other = [
            f"/v1/login/challenges/{(await site.ask(browser, email)).json()['challenge_id']}"
            for _ in range(3)
        ]
        for path in (guessed, other):
            assert (await browser.get(first)).json()["state"] == "open"
            challenge = await _challenge(site, path)
            code = challenge.code(site.door.peppers)
            assert code is not None
            for _ in range(5):
                await browser.post(f"{path}/verify", json={"code": wrong(code)})
        assert (await browser.get(first)).json()["state"] == state


@pytest.mark.parametrize(("method", "state"), [("otp", "closed"), ("otp_and_link", "open")])
async def test_a_code_closes_with_its_pepper_and_a_link_does_not(
    postgres_url: str, method: str, state: str
) -> None:
    async with open_site(postgres_url, login_method=method) as site, site.browser() as browser:
        path = f"/v1/login/challenges/{(await site.ask(browser, ADA)).json()['challenge_id']}"
        assert (await browser.get(path)).json()["state"] == "open"
        site.app.state.door = replace(site.parts.door, peppers=Peppers([b"\x06" * 32]))
        assert (await browser.get(path)).json()["state"] == state


async def _challenge(site: Site, path: str) -> Challenge:
    async with site.parts.database.engine.connect() as connection:
        found = await connection.execute(
            select(challenges).where(challenges.c.id == UUID(path.rpartition("/")[2]))
        )
        return challenge_of(found.mappings().one())


async def test_a_decoy_looks_open_too(site: Site) -> None:
    async with site.browser() as browser:
        path = (
            f"/v1/login/challenges/{(await site.ask(browser, 'nobody@example.org')).json()['challenge_id']}"
        )
        assert (await browser.get(path)).json()["state"] == "open"


async def test_a_program_looks_with_its_binding(site: Site) -> None:
    async with site.client() as program:
        told = (await program.post("/v1/login/challenges", json={"email": ADA, "transport": "bearer"})).json()
        path = f"/v1/login/challenges/{told['challenge_id']}"
        for binding, state in ((told["binding"], "open"), ("B" * 43, "closed"), ("none", "closed")):
            answer = await program.get(path, headers={"Porter-Binding": binding})
            assert answer.json()["state"] == state


async def test_a_look_needs_no_origin_and_sets_nothing(site: Site) -> None:
    async with site.browser() as browser:
        challenge_id = (await site.ask(browser, ADA)).json()["challenge_id"]
        cookies = dict(browser.cookies)
    async with site.client(cookies=cookies) as plain:
        answer = await plain.get(f"/v1/login/challenges/{challenge_id}")
    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_mail_is_told_to_be_late_for_everyone_alike(
    postgres_url: str, redis_url: str, redis_client: Redis
) -> None:
    async with open_site(postgres_url, redis_url) as site, site.browser() as browser:
        await redis_client.set(LOGIN.held_key, "smtp", ex=60)
        known = (await site.ask(browser, ADA)).json()["challenge_id"]
        for challenge_id in (known, new_id()):
            answer = await browser.get(f"/v1/login/challenges/{challenge_id}")
            assert answer.json()["delivery"] == "delayed"


async def test_without_redis_mail_is_told_to_be_late(site: Site) -> None:
    async with site.browser() as browser:
        answer = await browser.get(f"/v1/login/challenges/{new_id()}")
    assert answer.json() == {"state": "closed", "delivery": "delayed"}


async def test_what_is_no_id_is_told_so(site: Site) -> None:
    async with site.browser() as browser:
        problem(await browser.get("/v1/login/challenges/latest"), 422, "invalid_request")
