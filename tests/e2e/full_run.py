"""Everything that can happen to an account, on a running stack, with an ear for every secret told."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Final

import httpx

from devstack.ports import free_port
from devstack.services import auth
from devstack.stack import Stack
from devstack.visitor import CODE, NOTICE_MAIL, Visitor, expect
from tests.support.running import running
from tests.support.waiting import until

ADDRESS: Final = "secretive@example.org"
NAME: Final = "Sophie Secretive"
NEW_ADDRESS: Final = "sophie-elsewhere@example.org"
GUEST: Final = "invited@example.org"
UNWANTED: Final = "unwanted@example.org"
STRANGER: Final = "stranger@example.org"
REASON: Final = "Because of the silver spoons"
ORIGIN: Final = "https://login.example.org"

_TOLD: Final = ("binding", "token", "device")


@dataclass
class Secrets:
    """What was told to someone and is to be read nowhere else; harvested from every answer and every mail."""

    codes: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    async def hear(self, answer: httpx.Response) -> None:
        """Take down what an answer tells, in its body or its cookies."""
        await answer.aread()
        is_json = answer.headers.get("content-type") == "application/json" and answer.content
        told = answer.json() if is_json else {}
        for part in (told, told.get("session", {})):
            for name in _TOLD:
                if isinstance(part, dict) and isinstance(part.get(name), str):
                    self._take(name, part[name])
        for header in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                if morsel.value:
                    self._take(name, morsel.value)

    def read(self, mail: str) -> None:
        """Take down what a mail tells."""
        self.codes.update(CODE.findall(mail))
        for token in re.findall(r"/login/link#([\w-]{43})", mail):
            self._take("link", token)

    def _take(self, kind: str, secret: str) -> None:
        self.kinds.add(kind)
        self.tokens.add(secret)


class Outdoors:
    """A browser at a second service, at https and with applications beside it: its cookies are all Secure.

    They are kept by hand, for there is no TLS on the way.
    """

    def __init__(self, url: str, secrets: Secrets) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Origin": ORIGIN},
            trust_env=False,
            event_hooks={"response": [secrets.hear]},
        )
        self._cookies: dict[str, str] = {}

    async def post(self, path: str, body: Mapping[str, object]) -> httpx.Response:
        """Send JSON with all cookies."""
        answer = await self._client.post(path, json=body, headers=self._headers(*self._cookies))
        for header in answer.headers.get_list("set-cookie"):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        return answer

    async def get(self, path: str, *cookies: str) -> httpx.Response:
        """Ask with some of the cookies alone."""
        return await self._client.get(path, headers=self._headers(*cookies))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _headers(self, *names: str) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={self._cookies[name]}" for name in names)}


@contextmanager
def outdoors(stack: Stack, settings: Mapping[str, str], log: Path) -> Iterator[str]:
    """Run a second service of the stack, whose users come by https to a domain; gives where it listens."""
    port, internal = free_port(), free_port()
    beside = {name: stack.environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
    public = {"PUBLIC_URL": ORIGIN, "AUTH_COOKIE_DOMAIN": "example.org"}
    program = auth(
        2, port=port, internal_port=internal, folder=stack.folder, settings={**settings, **beside, **public}
    )

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    with running(program, ready=ready, log=log):
        yield f"http://127.0.0.1:{port}"


class FullRun:
    """The people of the run and what they do, in an order that leaves nothing out."""

    def __init__(self, environment: Mapping[str, str], secrets: Secrets) -> None:
        self._secrets = secrets
        self.visitor: Callable[..., Visitor] = lambda email, **more: self._listened(
            Visitor.to(environment, email, **more)
        )
        self.sophie = self.visitor(ADDRESS, name=NAME)
        self.admin = self.visitor(environment["ADMIN_EMAIL"])
        self.everyone = [self.sophie, self.admin]

    def _listened(self, visitor: Visitor) -> Visitor:
        visitor._auth.event_hooks["response"].append(self._secrets.hear)
        return visitor

    async def take(self, browser: Outdoors) -> None:
        """Do it all."""
        await self._join()
        await self._move()
        await self._decide()
        await self._go_outdoors(browser)
        await self._leave()

    async def close(self) -> None:
        """Close all connections."""
        for each in self.everyone:
            await each.__aexit__(None, None, None)

    async def _join(self) -> None:
        """Register, be mailed again, be approved, come in by code and by link, from two devices."""
        sophie, admin = self.sophie, self.admin
        expect(await sophie.register(), 202, "a registration")
        again = f"/v1/login/challenges/{sophie.challenge_id}/resend"

        async def sent_again() -> bool:
            answer = await sophie._auth.post(again, headers=sophie._recognised())
            return answer.status_code == httpx.codes.ACCEPTED

        await until(sent_again, within=10)
        expect(await sophie.verify("00000000"), 400, "a wrong code")
        expect(await sophie.verify(await sophie.code()), 403, "the right code", code="account_pending")
        await admin.sign_in()
        await admin.mail(NOTICE_MAIL)
        (user,) = expect(await admin.users("pending"), 200, "who waits")["users"]
        expect(await admin.approve(user["id"]), 200, "an approval")
        await sophie.sign_in()
        expect(await sophie.sign_out(), 204, "a sign-out")
        sophie._device = ""
        expect(await sophie.ask_for_code(), 202, "a request from another device")
        link = await sophie.link("code")
        sophie._binding, bound = "", sophie._binding
        expect(await sophie.follow(link), 409, "a link opened elsewhere", code="link_elsewhere")
        sophie._binding = bound
        expect(await sophie.follow(link), 200, "a link")
        await sophie.mail("new sign-in")

    async def _move(self) -> None:
        """Change name and address, and look at where one is signed in."""
        sophie = self.sophie
        signed = sophie._signed()
        changed = await sophie._auth.patch("/v1/me", json={"name": NAME, "locale": "de"}, headers=signed)
        expect(changed, 200, "a change")
        asked = await sophie._auth.post("/v1/me/email", json={"email": NEW_ADDRESS}, headers=signed)
        challenge = expect(asked, 202, "a change of address")
        there = self.visitor(NEW_ADDRESS)
        self.everyone.append(there)
        sent = {"challenge_id": challenge["challenge_id"], "code": await there.code()}
        headers = signed | {"Porter-Binding": challenge["binding"]}
        expect(await sophie._auth.post("/v1/me/email/verify", json=sent, headers=headers), 200, "the code")
        sophie.email = NEW_ADDRESS
        expect(await sophie._auth.get("/v1/sessions", headers=signed), 200, "the sessions")
        assert (await sophie._auth.get("/v1/sessions/verify", headers=signed)).status_code == 204

    async def _decide(self) -> None:
        """Invite, suspend, reinstate and delete one person; reject another; leave a stranger unknown."""
        admin, signed = self.admin._auth, self.admin._signed()
        guest, unwanted, stranger = (self.visitor(each) for each in (GUEST, UNWANTED, STRANGER))
        self.everyone += [guest, unwanted, stranger]
        invited = await admin.post("/v1/admin/invitations", json={"email": GUEST}, headers=signed)
        guest_id = expect(invited, 200, "an invitation")["id"]
        await guest.mail("invites you")
        await guest.sign_in()
        expect(await unwanted.register(), 202, "a registration")
        expect(await unwanted.verify(await unwanted.code()), 403, "the right code", code="account_pending")
        (user,) = expect(await self.admin.users("pending"), 200, "who waits")["users"]
        for user_id, deed in ((user["id"], "reject"), (guest_id, "suspend"), (guest_id, "reinstate")):
            path = f"/v1/admin/users/{user_id}/{deed}"
            body = None if deed == "reinstate" else {"reason": REASON}
            expect(await admin.post(path, json=body, headers=signed), 200, deed)
        expect(await admin.delete(f"/v1/admin/users/{guest_id}", headers=signed), 200, "a deletion")
        expect(await admin.get("/v1/admin/audit-events", headers=signed), 200, "the audit trail")
        expect(await stranger.ask_for_code(), 202, "a stranger's request")

    async def _go_outdoors(self, browser: Outdoors) -> None:
        """Sign in with a browser where applications are protected, and come to one."""
        asked = expect(await browser.post("/v1/login/challenges", {"email": NEW_ADDRESS}), 202, "a request")
        reader = self.everyone[2]
        path = f"/v1/login/challenges/{asked['challenge_id']}/verify"
        expect(await browser.post(path, {"code": await reader.code()}), 200, "the right code")
        told = await browser.get("/v1/sessions/verify", "__Secure-porter_access")
        assert (told.status_code, told.headers["remote-email"]) == (204, NEW_ADDRESS)
        assert (await browser.get("/account", "__Host-porter_session")).status_code == 200

    async def _leave(self) -> None:
        """End the other sessions, and delete the account."""
        sophie, signed = self.sophie._auth, self.sophie._signed()
        expect(await sophie.post("/v1/sessions/revoke-others", headers=signed), 200, "signing out elsewhere")
        expect(await sophie.delete("/v1/me", headers=signed), 204, "leaving")
