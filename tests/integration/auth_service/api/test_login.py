import asyncio
from collections import Counter

import pytest
from sqlalchemy import update

from auth_service.model.users import Status
from auth_service.storage.tables import users
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import Site, open_site, problem
from tests.integration.auth_service.door import StatementLog, wrong


@pytest.mark.parametrize("path", ["/v1/login/challenges", "/v1/registrations"])
async def test_known_and_unknown_addresses_are_answered_alike(site: Site, path: str) -> None:
    await site.door.member("ada@example.org")
    answers, costs = [], []
    for email in ("ada@example.org", "nobody@example.org"):
        body = {"email": email} | ({"name": "Ada"} if path.endswith("registrations") else {})
        async with site.browser() as browser:
            with StatementLog(site.parts.database) as log:
                answers.append(await browser.post(path, json=body))
            costs.append(log.statements)
    known, unknown = answers
    assert known.status_code == unknown.status_code == 202
    assert known.json().keys() == unknown.json().keys()
    assert known.headers.keys() == unknown.headers.keys()
    assert len(known.content) == len(unknown.content)
    assert len(known.headers["set-cookie"]) == len(unknown.headers["set-cookie"])
    assert costs[0] == costs[1]
    assert len(costs[0]) <= 4


async def test_a_challenge_tells_when_it_ends_and_when_to_ask_again(site: Site) -> None:
    async with site.browser() as browser:
        told = (await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})).json()
    assert told.keys() == {"challenge_id", "method", "code_length", "expires_at", "resend_at"}
    assert (told["method"], told["code_length"]) == ("otp", 6)


async def test_a_program_gets_its_binding_in_the_body_and_no_cookie(site: Site) -> None:
    async with site.client() as program:
        answer = await program.post(
            "/v1/login/challenges", json={"email": "ada@example.org", "transport": "bearer"}
        )
    assert len(answer.json()["binding"]) == 43
    assert "set-cookie" not in answer.headers


async def test_the_tabs_of_a_browser_share_its_binding(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        first = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        binding = browser.cookies["__Host-porter_binding"]
        await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        assert browser.cookies["__Host-porter_binding"] == binding
        code = await site.door.mailed_code_of(first.json()["challenge_id"])
        answer = await browser.post(
            f"/v1/login/challenges/{first.json()['challenge_id']}/verify", json={"code": code}
        )
    assert answer.status_code == 200


async def test_the_cookies_are_for_this_host_and_no_script(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        asked = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        challenge = asked.json()["challenge_id"]
        answer = await browser.post(
            f"/v1/login/challenges/{challenge}/verify",
            json={"code": await site.door.mailed_code_of(challenge)},
        )
    for name, cookie in (
        ("__Host-porter_binding", asked.headers["set-cookie"]),
        ("__Host-porter_session", answer.headers["set-cookie"]),
    ):
        assert cookie.startswith(f"{name}=")
        assert {part.strip() for part in cookie.split(";")} >= {
            "HttpOnly",
            "Path=/",
            "SameSite=lax",
            "Secure",
        }
        assert "domain" not in cookie.lower()


async def test_on_localhost_the_cookies_do_without_tls(postgres_url: str) -> None:
    here = "http://localhost:8000"
    async with open_site(postgres_url, public_url=here) as site, site.client({"Origin": here}) as browser:
        answer = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
    assert answer.headers["set-cookie"].startswith("porter_binding=")
    assert "Secure" not in answer.headers["set-cookie"]


async def test_five_wrong_codes_then_it_is_closed(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        asked = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        verify = f"/v1/login/challenges/{asked.json()['challenge_id']}/verify"
        code = await site.door.mailed_code_of(asked.json()["challenge_id"])
        left = [
            problem(await browser.post(verify, json={"code": wrong(code)}), 400, "invalid_code")[
                "attempts_left"
            ]
            for _ in range(5)
        ]
        assert left == [4, 3, 2, 1, 0]
        problem(await browser.post(verify, json={"code": code}), 410, "challenge_closed")


async def test_fifty_right_codes_at_once_are_one_session(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        asked = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        verify = f"/v1/login/challenges/{asked.json()['challenge_id']}/verify"
        code = await site.door.mailed_code_of(asked.json()["challenge_id"])
        answers = await asyncio.gather(*(browser.post(verify, json={"code": code}) for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 410: 49}


async def test_unknown_foreign_and_unbound_challenges_are_closed_alike(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser, site.browser() as stranger, site.client() as program:
        asked = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        await stranger.post("/v1/login/challenges", json={"email": "mallory@example.org"})
        challenge = asked.json()["challenge_id"]
        code = {"code": await site.door.mailed_code_of(challenge)}
        verify = f"/v1/login/challenges/{challenge}/verify"
        answers = [
            await stranger.post(verify, json=code),
            await browser.post(f"/v1/login/challenges/{new_id()}/verify", json=code),
            await program.post(verify, json=code, headers={"Porter-Binding": "none of ours"}),
            await program.post(verify, json=code, headers={"Porter-Binding": ""}),
        ]
        told = [problem(answer, 410, "challenge_closed") for answer in answers]
        assert len({answer["detail"] for answer in told}) == 1
        assert (await browser.post(verify, json=code)).status_code == 200


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED, Status.SUSPENDED])
async def test_the_right_code_tells_where_an_account_stands(site: Site, status: Status) -> None:
    await site.door.member("ada@example.org")
    async with site.parts.database.engine.begin() as connection:
        await connection.execute(update(users).values(status=status.value))
    async with site.browser() as browser:
        asked = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
        challenge = asked.json()["challenge_id"]
        verify = f"/v1/login/challenges/{challenge}/verify"
        code = await site.door.mailed_code_of(challenge)
        problem(await browser.post(verify, json={"code": wrong(code)}), 400, "invalid_code")
        problem(await browser.post(verify, json={"code": code}), 403, f"account_{status.value}")
        problem(await browser.post(verify, json={"code": code}), 410, "challenge_closed")


async def test_logins_are_counted_by_how_they_ended(site: Site) -> None:
    await site.door.member("ada@example.org")
    async with site.browser() as browser:
        await site.sign_in(browser, "ada@example.org")
        await browser.post(f"/v1/login/challenges/{new_id()}/verify", json={"code": "123456"})

    def count(result: str) -> float | None:
        labels = {"method": "otp", "result": result}
        return site.parts.registry.get_sample_value("auth_logins_total", labels)

    assert (count("signed_in"), count("challenge_closed")) == (1, 1)
