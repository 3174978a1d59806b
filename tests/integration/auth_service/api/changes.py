"""Every public call that changes someone or ends a session: the arrangement of the tests that it is seen."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from auth_service.flows.entering import SESSIONS_MAX
from tests.integration.auth_service.api.site import ORIGIN, Site
from tests.integration.auth_service.presences import Present, present, set_status

CONSUME = "/v1/login/links/consume"
GRID = "/v1/admin/users"


@dataclass(frozen=True)
class Change:
    """What is about to happen to someone, whose session is looked at."""

    person: Present
    deed: Callable[[], Awaitable[httpx.Response]]


Arrange = Callable[[Site, Present, str], Awaitable[Change]]
"""Prepares a change at a site, with an administrator and somebody's address."""


async def send(
    site: Site, who: Present, method: str, path: str, body: Mapping[str, object] | None = None
) -> httpx.Response:
    """Send a call with someone's session."""
    async with site.client(headers=who.bearer) as client:
        return await client.request(method, path, json=body)


def of_ones_own(method: str, path: str, body: Mapping[str, object] | None = None) -> Arrange:
    """Call it for oneself."""

    async def arrange(site: Site, _: Present, email: str) -> Change:
        ada = await present(site.parts.database, email)
        return Change(ada, lambda: send(site, ada, method, path, body))

    return arrange


def of_the_administrator(
    method: str, deed: str, body: Mapping[str, object] | None = None, *, status: str = "active"
) -> Arrange:
    """Have an administrator call it for someone who stands like that."""

    async def arrange(site: Site, root: Present, email: str) -> Change:
        ada = await present(site.parts.database, email)
        await set_status(site.parts.database, ada.user.id, status)
        return Change(ada, lambda: send(site, root, method, f"{GRID}/{ada.user.id}{deed}", body))

    return arrange


async def registering(site: Site, root: Present, email: str) -> Change:
    """Come for the first time."""
    body = {"email": email, "name": "Ada", "transport": "bearer"}
    return Change(root, lambda: send(site, root, "POST", "/v1/registrations", body))


async def proving(site: Site, root: Present, email: str) -> Change:
    """Prove a newcomer's address."""
    asked = (await (await registering(site, root, email)).deed()).json()
    return Change(root, lambda: _answer(site, asked, headers={"Porter-Binding": asked["binding"]}))


async def inviting(site: Site, root: Present, email: str) -> Change:
    """Invite someone whom nobody knows."""
    return Change(root, lambda: send(site, root, "POST", "/v1/admin/invitations", {"email": email}))


async def ending_one_elsewhere(site: Site, _: Present, email: str) -> Change:
    """End another of one's sessions."""
    elsewhere, ada = await present(site.parts.database, email), await present(site.parts.database, email)
    return Change(elsewhere, lambda: send(site, ada, "DELETE", f"/v1/sessions/{elsewhere.session.id}"))


async def ending_all_elsewhere(site: Site, _: Present, email: str) -> Change:
    """End all others of one's sessions."""
    elsewhere, ada = await present(site.parts.database, email), await present(site.parts.database, email)
    return Change(elsewhere, lambda: send(site, ada, "POST", "/v1/sessions/revoke-others"))


async def signing_in_again(site: Site, _: Present, email: str) -> Change:
    """Answer a code in a browser that was signed in."""
    ada = await present(site.parts.database, email)
    jar, asked = await _asked_in_the_browser_of(site, ada)
    return Change(ada, lambda: _answer(site, asked, headers={"Origin": ORIGIN}, cookies=jar))


async def following_a_link(site: Site, _: Present, email: str) -> Change:
    """Follow a link in a browser that was signed in."""
    ada = await present(site.parts.database, email)
    jar, asked = await _asked_in_the_browser_of(site, ada)
    letter = await site.door.mailed_of(asked["challenge_id"])

    async def deed() -> httpx.Response:
        async with site.client(headers={"Origin": ORIGIN}, cookies=jar) as browser:
            return await browser.post(CONSUME, json={"token": letter.token})

    return Change(ada, deed)


async def signing_in_too_often(site: Site, _: Present, email: str) -> Change:
    """Sign in once more, with as many sessions as one may have: the first of them ends."""
    first, *_others = [await present(site.parts.database, email) for _ in range(SESSIONS_MAX)]
    async with site.client() as program:
        asked = (
            await program.post("/v1/login/challenges", json={"email": email, "transport": "bearer"})
        ).json()
    return Change(first, lambda: _answer(site, asked, headers={"Porter-Binding": asked["binding"]}))


async def moving(site: Site, root: Present, email: str) -> Change:
    """Move to an address with which somebody has registered who never proved it."""
    ada, new = await present(site.parts.database, email), f"new-{email}"
    await (await registering(site, root, new)).deed()
    async with site.client(headers=ada.bearer) as program:
        asked = (await program.post("/v1/me/email", json={"email": new})).json()
    answer = {
        "challenge_id": asked["challenge_id"],
        "code": await site.door.mailed_code_of(asked["challenge_id"]),
    }

    async def deed() -> httpx.Response:
        headers = ada.bearer | {"Porter-Binding": asked["binding"]}
        async with site.client(headers=headers) as program:
            return await program.post("/v1/me/email/verify", json=answer)

    return Change(ada, deed)


async def _asked_in_the_browser_of(site: Site, ada: Present) -> tuple[dict[str, str], dict[str, Any]]:
    """Ask for a code and a link in a browser that is signed in; give its cookies and what it was told."""
    cookies = {site.parts.door.cookies.session: ada.token}
    async with site.client(headers={"Origin": ORIGIN}, cookies=cookies) as browser:
        asked = (await site.ask(browser, ada.user.email)).json()
        return dict(browser.cookies), asked


async def _answer(
    site: Site, asked: Mapping[str, Any], *, headers: dict[str, str], cookies: dict[str, str] | None = None
) -> httpx.Response:
    code = await site.door.mailed_code_of(asked["challenge_id"])
    async with site.client(headers=headers, cookies=cookies) as client:
        return await client.post(f"/v1/login/challenges/{asked['challenge_id']}/verify", json={"code": code})


CHANGES: Mapping[str, Arrange] = {
    "registering": registering,
    "proving": proving,
    "signing-in-again": signing_in_again,
    "following-a-link": following_a_link,
    "signing-in-too-often": signing_in_too_often,
    "signing-out": of_ones_own("DELETE", "/v1/sessions/current"),
    "ending-one-elsewhere": ending_one_elsewhere,
    "ending-all-elsewhere": ending_all_elsewhere,
    "another-name": of_ones_own("PATCH", "/v1/me", {"name": "Countess"}),
    "another-language": of_ones_own("PATCH", "/v1/me", {"locale": "de"}),
    "moving": moving,
    "leaving": of_ones_own("DELETE", "/v1/me"),
    "inviting": inviting,
    "approving": of_the_administrator("POST", "/approve", status="pending"),
    "rejecting": of_the_administrator("POST", "/reject", {"reason": "Unknown."}, status="pending"),
    "suspending": of_the_administrator("POST", "/suspend", {"reason": "Away."}),
    "reinstating": of_the_administrator("POST", "/reinstate", status="suspended"),
    "renaming": of_the_administrator("PATCH", "", {"name": "Countess"}),
    "promoting": of_the_administrator("PATCH", "", {"role": "admin"}),
    "translating": of_the_administrator("PATCH", "", {"locale": "pt-BR"}),
    "deleting": of_the_administrator("DELETE", ""),
}
"""By what they are called: all calls of the API but those that only ask, and tell of no change."""
