"""Keys that are exchanged while challenges are open: the service starts anew with the new one first."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from pydantic import SecretStr
from sqlalchemy import literal, update

from auth_service.model.peppers import new_pepper
from auth_service.storage.tables import challenges
from contracts.sealing import LoginLink, Sealer, new_key
from tests.integration.auth_service.api.site import Site, open_site, problem

ADA = "ada@example.org"
OLD_PEPPER, NEW_PEPPER = new_pepper(), new_pepper()
OLD_KEY, NEW_KEY = new_key(), new_key()


def _open(
    postgres_url: str, *, peppers: Sequence[str], keys: Sequence[str]
) -> AbstractAsyncContextManager[Site]:
    """Start the service with these keys, newest first."""
    return open_site(
        postgres_url,
        login_method="otp_and_link",
        peppers=tuple(map(SecretStr, peppers)),
        sealing_keys=tuple(map(SecretStr, keys)),
    )


async def test_what_was_asked_before_a_rotation_is_answered_after_it(postgres_url: str) -> None:
    before = _open(postgres_url, peppers=[OLD_PEPPER], keys=[OLD_KEY])
    after = _open(postgres_url, peppers=[NEW_PEPPER, OLD_PEPPER], keys=[NEW_KEY, OLD_KEY])
    async with before as site, site.browser() as browser:
        await site.door.admin(ADA)
        asked = [(await site.ask(browser, ADA)).json()["challenge_id"] for _ in range(3)]
        letters = [await site.door.mailed_of(each) for each in asked]
        cookies = dict(browser.cookies)
    async with after as site:
        async with site.parts.database.engine.begin() as connection:
            past = challenges.c.mailed_at - literal(timedelta(seconds=61))
            await connection.execute(update(challenges).values(mailed_at=past))
        async with site.client(headers={"Origin": site.parts.door.public_origin}, cookies=cookies) as browser:
            by_code, _, again = asked
            verify = "/v1/login/challenges/{}/verify"
            answer = await browser.post(verify.format(by_code), json={"code": letters[0].code})
            assert answer.status_code == 200
            answer = await browser.post("/v1/login/links/consume", json={"token": letters[1].token})
            assert answer.status_code == 200
            assert (await browser.post(f"/v1/login/challenges/{again}/resend")).status_code == 202
            first, second = await site.door.letters_of(again)
            assert first.code == second.code == letters[2].code
            sealed_anew = Sealer([NEW_KEY]).open(
                second.event.data.sealed, LoginLink, event_id=second.event.id
            )
            assert sealed_anew == second.box
            answer = await browser.post(verify.format(again), json={"code": second.code})
            assert answer.status_code == 200
            newest = (await site.ask(browser, ADA)).json()["challenge_id"]
            code = await site.door.mailed_code_of(newest)
            assert (await browser.post(verify.format(newest), json={"code": code})).status_code == 200


async def test_a_pepper_that_is_gone_takes_its_codes_with_it_and_leaves_its_links(postgres_url: str) -> None:
    before, after = (_open(postgres_url, peppers=[each], keys=[OLD_KEY]) for each in (OLD_PEPPER, NEW_PEPPER))
    async with before as site, site.browser() as browser:
        await site.door.admin(ADA)
        asked = (await site.ask(browser, ADA)).json()["challenge_id"]
        letter = await site.door.mailed_of(asked)
        cookies = dict(browser.cookies)
    async with after as site:
        origin = {"Origin": site.parts.door.public_origin}
        async with site.client(headers=origin, cookies=cookies) as browser:
            answer = await browser.post(f"/v1/login/challenges/{asked}/verify", json={"code": letter.code})
            problem(answer, 400, "invalid_code")
            answer = await browser.post("/v1/login/links/consume", json={"token": letter.token})
            assert answer.status_code == 200
