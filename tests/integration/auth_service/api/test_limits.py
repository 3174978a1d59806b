"""How often something may be done, by whom, and what a denial costs and tells."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import literal, update

from auth_service.model.tokens import new_token
from auth_service.storage.tables import challenges
from tests.integration.auth_service.api.site import ORIGIN, Site, open_site, problem
from tests.integration.auth_service.api.visits import visiting
from tests.integration.auth_service.door import StatementLog, wrong

ADA = "ada@example.org"
NOBODY = "nobody@example.org"
HERE = "203.0.113.7"
PATIENT_SECONDS = 5.0


@asynccontextmanager
async def limited(postgres_url: str, redis_url: str | None = None, **limits: str) -> AsyncIterator[Site]:
    """Open a site behind a proxy, so that its visitors may come from anywhere."""
    proxies = (ip_network("127.0.0.1/32"),)
    async with open_site(postgres_url, redis_url, trusted_proxies=proxies, **limits) as site:
        site.parts.circuit._patience = PATIENT_SECONDS  # what counts here is what Redis says, not how soon
        yield site


def at(site: Site, network: str = HERE) -> httpx.AsyncClient:
    """Open a browser somewhere."""
    return site.browser(**{"X-Forwarded-For": network})


def denied(answer: httpx.Response, limit: str) -> int:
    """Check that this is the denial of one limit; gives the seconds to wait."""
    body = problem(answer, 429, "rate_limited")
    seconds = int(answer.headers["retry-after"])
    assert body["limit"] == limit
    assert "Try again in " in body["detail"]
    assert seconds >= 1
    return seconds


def decided(site: Site, policy: str, decision: str) -> float:
    """Tell how often a limit decided so."""
    labels = {"policy": policy, "decision": decision}
    return site.parts.registry.get_sample_value("auth_rate_limit_decisions_total", labels) or 0.0


async def _later(site: Site) -> None:
    async with site.parts.database.engine.begin() as connection:
        past = challenges.c.mailed_at - literal(timedelta(seconds=61))
        await connection.execute(update(challenges).values(mailed_at=past))


async def test_who_asks_too_often_is_told_when_to_come_back(postgres_url: str, redis_url: str) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_ip="2/300") as site, at(site) as browser:
        for number in range(2):
            assert (await site.ask(browser, f"person-{number}@example.org")).status_code == 202
        answer = await site.ask(browser, ADA)

        assert 290 < denied(answer, "codes_per_ip") <= 300
        assert answer.json()["detail"] == (
            "Too many mails were asked for from where you are. Try again in 5 minutes."
        )
        async with at(site, "203.0.113.8") as elsewhere:
            assert (await site.ask(elsewhere, ADA)).status_code == 202
        assert decided(site, "codes_per_ip", "allowed") == 3
        assert decided(site, "codes_per_ip", "denied") == 1


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_a_denied_request_costs_postgres_nothing(postgres_url: str, redis_url: str, email: str) -> None:
    async with (
        limited(postgres_url, redis_url, limit_codes_per_address="1/3600") as site,
        at(site) as browser,
    ):
        await site.door.member(ADA)
        first = await site.ask(browser, email)
        assert first.status_code == 202
        challenge = first.json()["challenge_id"]
        with StatementLog(site.parts.database) as log:
            denied(await site.ask(browser, email), "codes_per_address")
            denied(await site.ask(browser, email, path="/v1/registrations"), "codes_per_address")

        assert log.statements == []
        assert len(await site.door.letters_of(challenge)) == 1


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_who_asks_from_ever_new_places_still_stops_at_the_address(
    postgres_url: str, redis_url: str, email: str
) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_address="5/3600") as site:
        await site.door.member(ADA)
        told = []
        for number in range(8):
            async with at(site, f"198.51.100.{number}") as browser:
                told.append((await site.ask(browser, email)).status_code)
        assert told == [202] * 5 + [429] * 3
        async with at(site) as browser:
            assert (await site.ask(browser, "bob@example.org")).status_code == 202


async def test_an_ipv6_household_is_one_and_its_neighbour_another(postgres_url: str, redis_url: str) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_ip="1/300") as site:
        told = []
        for network in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1"):
            async with at(site, network) as browser:
                told.append((await site.ask(browser, ADA)).status_code)
        assert told == [202, 429, 202]


async def test_strangers_who_use_up_an_address_do_not_stop_a_device_that_it_knows(
    postgres_url: str, redis_url: str
) -> None:
    limits = {"limit_codes_per_ip": "2/300", "limit_codes_per_address": "2/3600"}
    async with limited(postgres_url, redis_url, **limits) as site, at(site) as known, at(site) as stranger:
        await site.door.member(ADA)
        await site.sign_in(known, ADA)  # on a device that is new, and so a stranger's
        assert (await site.ask(stranger, ADA)).status_code == 202
        denied(await site.ask(stranger, ADA), "codes_per_ip")

        for _ in range(2):
            assert (await site.ask(known, ADA)).status_code == 202
        denied(await site.ask(known, ADA), "codes_per_ip")  # it has a count of its own, and no more


async def test_a_device_is_known_to_its_own_account_alone_and_a_made_up_one_to_none(
    postgres_url: str, redis_url: str
) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_address="1/3600") as site:
        await site.door.member(ADA)
        await site.door.member("bob@example.org")
        async with at(site) as bob, at(site) as mallory:
            await site.sign_in(bob, "bob@example.org")
            assert (await site.ask(bob, ADA)).status_code == 202
            denied(await site.ask(bob, ADA), "codes_per_address")
            for _ in range(3):
                mallory.cookies.set(site.parts.door.cookies.device, new_token())
                denied(await site.ask(mallory, ADA), "codes_per_address")
            for _ in range(3):
                headers = {"Porter-Device": new_token()}
                body = {"email": ADA, "transport": "bearer"}
                answer = await mallory.post("/v1/login/challenges", json=body, headers=headers)
                denied(answer, "codes_per_address")


async def test_registering_is_limited_by_itself_and_mails_count_at_the_address(
    postgres_url: str, redis_url: str
) -> None:
    limits = {"limit_register_per_ip": "3/3600", "limit_codes_per_address": "2/3600"}
    async with limited(postgres_url, redis_url, **limits) as site, at(site) as browser:
        register = partial(site.ask, browser, path="/v1/registrations")
        await site.door.member(ADA)

        assert (await register(ADA)).status_code == 202
        assert (await register(NOBODY)).status_code == 202
        assert (await site.ask(browser, NOBODY)).status_code == 202
        denied(await register(NOBODY), "codes_per_address")
        assert (await register("third@example.org")).status_code == 202
        for email in (ADA, NOBODY, "fourth@example.org"):
            assert denied(await register(email), "register_per_ip") > 3500
        assert (await site.ask(browser, "fourth@example.org")).status_code == 202


async def test_codes_links_and_new_addresses_are_tried_on_one_count(
    postgres_url: str, redis_url: str
) -> None:
    async with limited(
        postgres_url, redis_url, limit_verify_per_ip="4/300", login_method="otp_and_link"
    ) as site:
        await site.door.member(ADA)
        async with at(site) as browser:
            challenge = (await site.ask(browser, ADA)).json()["challenge_id"]
            code = await site.door.mailed_code_of(challenge)
            verify = f"/v1/login/challenges/{challenge}/verify"
            assert (await browser.post(verify, json={"code": wrong(code)})).status_code == 400
            link = await browser.post("/v1/login/links/consume", json={"token": new_token()})
            assert link.status_code == 410
            assert (await browser.post(verify, json={"code": code})).status_code == 200
            moved = {"challenge_id": str(uuid4()), "code": "000000"}
            assert (await browser.post("/v1/me/email/verify", json=moved)).status_code == 410

            for path, body in (
                (verify, {"code": code}),
                ("/v1/login/links/consume", {"token": new_token()}),
                ("/v1/me/email/verify", moved),
            ):
                denied(await browser.post(path, json=body), "verify_per_ip")
            me = await browser.get("/v1/me")
            assert me.status_code == 200


async def test_a_denied_answer_is_no_attempt(postgres_url: str, redis_url: str) -> None:
    async with limited(postgres_url, redis_url, limit_verify_per_ip="1/300") as site:
        await site.door.member(ADA)
        async with at(site) as browser:
            challenge = (await site.ask(browser, ADA)).json()["challenge_id"]
            code = await site.door.mailed_code_of(challenge)
            verify = f"/v1/login/challenges/{challenge}/verify"
            first = await browser.post(verify, json={"code": wrong(code)})
            assert first.json()["attempts_left"] == 4
            for _ in range(9):
                denied(await browser.post(verify, json={"code": wrong(code)}), "verify_per_ip")
            elsewhere = {"X-Forwarded-For": "203.0.113.8"}
            answer = await browser.post(verify, json={"code": code}, headers=elsewhere)
            assert answer.status_code == 200


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_asking_again_counts_like_asking_but_not_when_it_is_too_soon(
    postgres_url: str, redis_url: str, email: str
) -> None:
    limits = {"limit_codes_per_ip": "9/300", "limit_codes_per_address": "2/3600"}
    async with limited(postgres_url, redis_url, **limits) as site, at(site) as browser:
        await site.door.member(ADA)
        challenge = (await site.ask(browser, email)).json()["challenge_id"]
        resend = f"/v1/login/challenges/{challenge}/resend"
        for _ in range(5):
            problem(await browser.post(resend), 429, "resend_too_soon")
        assert decided(site, "codes_per_address", "allowed") == 1

        await _later(site)
        assert (await browser.post(resend)).status_code == 202
        await _later(site)
        denied(await browser.post(resend), "codes_per_address")
        denied(await site.ask(browser, email), "codes_per_address")
        assert len(await site.door.letters_of(challenge)) == 2


async def test_asking_again_for_what_is_not_there_counts_where_one_is(
    postgres_url: str, redis_url: str
) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_ip="2/300") as site, at(site) as browser:
        for _ in range(2):
            answer = await browser.post(f"/v1/login/challenges/{uuid4()}/resend")
            problem(answer, 410, "challenge_closed")
        denied(await browser.post(f"/v1/login/challenges/{uuid4()}/resend"), "codes_per_ip")


@pytest.mark.parametrize("wanted", [NOBODY, "bob@example.org"])
async def test_mails_to_a_new_address_count_at_the_account_and_where_it_asks(
    postgres_url: str, redis_url: str, wanted: str
) -> None:
    limits = {"limit_codes_per_ip": "5/300", "limit_codes_per_address": "2/3600"}
    async with limited(postgres_url, redis_url, **limits) as site:
        await site.door.member("bob@example.org")
        async with visiting(site, ADA) as ada, at(site, "203.0.113.8") as stranger:
            for _ in range(2):
                assert (await site.ask(stranger, wanted)).status_code == 202
            denied(await site.ask(stranger, wanted), "codes_per_address")

            asked = await ada.browser.post("/v1/me/email", json={"email": wanted})
            assert asked.status_code == 202
            resend = f"/v1/login/challenges/{asked.json()['challenge_id']}/resend"
            await _later(site)
            assert (await ada.browser.post(resend)).status_code == 202
            await _later(site)
            denied(await ada.browser.post(resend), "codes_per_address")
            for email in (wanted, "another@example.org"):
                answer = await ada.browser.post("/v1/me/email", json={"email": email})
                denied(answer, "codes_per_address")


async def test_who_moves_counts_where_they_ask(postgres_url: str, redis_url: str) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_ip="1/300") as site, visiting(site) as ada:
        assert (await ada.browser.post("/v1/me/email", json={"email": NOBODY})).status_code == 202
        denied(await ada.browser.post("/v1/me/email", json={"email": NOBODY}), "codes_per_ip")


async def test_without_redis_one_process_keeps_the_limits_by_itself(postgres_url: str) -> None:
    async with limited(postgres_url, limit_codes_per_ip="3/300", limit_verify_per_ip="1/300") as site:
        await site.door.member(ADA)
        async with at(site) as browser:
            told = [(await site.ask(browser, f"{number}@example.org")).status_code for number in range(3)]
            assert told == [202, 202, 202]
            assert 290 < denied(await site.ask(browser, ADA), "codes_per_ip") <= 300
            async with at(site, "203.0.113.8") as elsewhere:
                await site.sign_in(elsewhere, ADA)
        assert decided(site, "codes_per_ip", "allowed_locally") == 4
        assert decided(site, "codes_per_ip", "denied_locally") == 1
        assert decided(site, "verify_per_ip", "allowed_locally") == 1
        assert site.parts.registry.get_sample_value("auth_redis_up", {"use": "memory"}) == 0


async def test_a_form_without_scripts_says_the_same(postgres_url: str, redis_url: str) -> None:
    async with limited(postgres_url, redis_url, limit_codes_per_ip="1/300") as site, at(site) as browser:
        assert (await browser.post("/login", data={"email": ADA})).status_code == 200
        page = await browser.post("/login", data={"email": ADA})

        assert page.status_code == 429
        assert 290 < int(page.headers["retry-after"]) <= 300
        assert "That was too often. Wait a while and try again." in page.text


async def test_every_call_that_is_limited_says_so_in_the_document(postgres_url: str) -> None:
    async with open_site(postgres_url) as site, site.client({"Origin": ORIGIN}) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    told = {path for path, calls in paths.items() for call in calls.values() if "429" in call["responses"]}
    assert told == {
        "/v1/registrations",
        "/v1/login/challenges",
        "/v1/login/challenges/{challenge_id}/resend",
        "/v1/login/challenges/{challenge_id}/verify",
        "/v1/login/links/consume",
        "/v1/me/email",
        "/v1/me/email/verify",
    }
