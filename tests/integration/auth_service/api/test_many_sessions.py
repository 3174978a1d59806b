"""An account has so many sessions and no more, and a browser one: those before it end."""

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, text

from auth_service.flows.decisions import reinstate, suspend
from auth_service.flows.departures import end_other_sessions
from auth_service.flows.entering import SESSIONS_MAX
from auth_service.flows.outcomes import Outcome, SignedIn
from auth_service.model.audit import Action
from auth_service.model.rules import LoginRules
from auth_service.model.tokens import new_token, token_hash
from auth_service.model.users import Role
from auth_service.storage.tables import sessions
from contracts.events import SessionsRevoked, UserSignedIn
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import person, sign_in, told
from tests.integration.auth_service.presences import audited, present

LAPTOP, THIEF = "L" * 43, "T" * 43
LINKS = LoginRules(method="magic_link")


async def _enter(door: Door, email: str, *, device: str = LAPTOP) -> SignedIn:
    challenge = await door.ask(email)
    outcome: Outcome = await door.answer(challenge.id, await door.mailed_code(challenge.id), device=device)
    assert isinstance(outcome, SignedIn)
    return outcome


async def _recipients(door: Door) -> Sequence[int]:
    return [event.data.recipients for event in await told(door, UserSignedIn)]


async def test_beyond_a_hundred_the_oldest_end_and_that_is_told(door: Door) -> None:
    ada, grace = await person(door), await person(door, "grace@example.org")
    hers = [await sign_in(door, ada) for _ in range(SESSIONS_MAX + 1)]
    his = await sign_in(door, grace)
    async with door.database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE auth.sessions SET created_at = created_at - interval '1 hour' WHERE id = ANY(:ids)"),
            {"ids": hers[50:52]},
        )
    entered = await _enter(door, ada.email)
    (event,) = await told(door, SessionsRevoked)
    assert (set(event.data.session_ids), event.data.reason) == (set(hers[50:52]), "revoked")
    async with door.database.engine.connect() as connection:
        left = set((await connection.execute(select(sessions.c.id))).scalars())
    assert left == {*hers, entered.session.id, his} - set(hers[50:52])
    (noted,) = await audited(door.database, Action.SESSIONS_REVOKED)
    assert (noted["subject"], noted["sessions"]) == (ada.id, 2)


async def test_of_fewer_none_ends(door: Door) -> None:
    ada = await person(door)
    for _ in range(3):
        await _enter(door, ada.email)
    assert await told(door, SessionsRevoked) == []


@pytest.mark.parametrize("next_one", ["ada@example.org", "grace@example.org"])
async def test_a_browser_that_signs_in_again_leaves_the_session_it_was_in(site: Site, next_one: str) -> None:
    for email in ("ada@example.org", "grace@example.org"):
        await person(site.door, email)
    async with site.browser() as browser, site.client() as copied:
        await site.sign_in(browser, "ada@example.org")
        elsewhere = await present(site.parts.database, "ada@example.org")
        cookie = site.parts.door.cookies.session
        copied.cookies.set(cookie, browser.cookies[cookie], domain="login.example.org")
        assert (await copied.get("/v1/me")).status_code == 200
        await site.sign_in(browser, next_one)
        problem(await copied.get("/v1/me"), 401, "unauthenticated")
        assert (await browser.get("/v1/me")).json()["email"] == next_one
        assert (await copied.get("/v1/me", headers=elsewhere.bearer)).status_code == 200
    (event,) = await told(site.door, SessionsRevoked)
    assert (event.data.user_id, event.data.reason) == (elsewhere.user.id, "signed_out")
    async with site.parts.database.engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(sessions))).scalar_one() == 2


async def test_after_others_are_revoked_a_device_that_was_known_is_new_again(door: Door) -> None:
    ada = await person(door)
    mine = await _enter(door, ada.email, device=LAPTOP)
    await _enter(door, ada.email, device=THIEF)
    async with door.database.unit() as unit:
        await end_other_sessions(
            mine.user, current=mine.session, device=LAPTOP, unit=unit, rules=door.rules, sealer=door.sealer
        )
    for device in (LAPTOP, THIEF):
        await _enter(door, ada.email, device=device)
    assert await _recipients(door) == [0, 1, 0, 1]


async def test_the_browser_that_revokes_others_stays_known(site: Site) -> None:
    ada = await person(site.door)
    phone = new_token()
    async with site.browser() as browser:
        await site.sign_in(browser, ada.email)
        device = browser.cookies[site.parts.door.cookies.device]
        async with site.parts.database.unit() as unit:
            await unit.devices.see(token_hash(phone), user_id=ada.id)
        assert (await browser.post("/v1/sessions/revoke-others")).status_code == 200
    async with site.parts.database.unit() as unit:
        assert await unit.acquaintances.knows(token_hash(device), email=ada.email)
        assert not await unit.acquaintances.knows(token_hash(phone), email=ada.email)


async def test_who_was_suspended_comes_back_to_an_account_that_knows_no_device(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    await _enter(door, ada.email)
    async with door.database.unit() as unit:
        await suspend(ada.id, reason=None, by=root.id, unit=unit, sealer=door.sealer)
    async with door.database.unit() as unit:
        await reinstate(ada.id, by=root.id, unit=unit, sealer=door.sealer)
    await _enter(door, ada.email)
    assert [event.data.new_device for event in await told(door, UserSignedIn)] == [True, True]


async def test_a_link_that_asks_first_is_noted(door: Door) -> None:
    ada = await person(door)
    linking = Door(door.database, peppers=door.peppers, sealer=door.sealer, rules=LINKS)
    challenge = await linking.ask(ada.email)
    await linking.follow(await linking.mailed_link(challenge.id), binding="E" * 43)
    (noted,) = await audited(door.database, Action.SIGN_IN_REFUSED)
    assert (noted["reason"], noted["subject"], noted["challenge_id"]) == (
        "link_elsewhere",
        ada.id,
        str(challenge.id),
    )
