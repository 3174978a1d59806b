"""A person at the door: registers, asks for codes, reads them in the inbox, signs in. Knows only HTTP."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

import httpx

Transport = Literal["bearer", "cookie"]

CODE: Final = re.compile(r"(?<![\w-])\d{6,8}(?![\w-])")
LINK: Final = re.compile(r"https?://\S+/login/link#\S+")
CODE_MAIL: Final = "code"
LINK_MAIL: Final = "sign in to"
NEW_DEVICE_MAIL: Final = "new sign-in"
NOTICE_MAIL: Final = "asks to be let in"
APPROVAL_MAIL: Final = "account is ready"
"""Words that the subject of one kind of mail has, and of no other."""

LOOK_EVERY_SECONDS: Final = 0.1
MAIL_WITHIN_SECONDS: Final = 15.0
LISTED: Final = 500
"""How many of the newest mails are looked through."""

FRESH: Final = httpx.Limits(max_keepalive_connections=0)
"""A connection idle for 5 s is closed by the service. A visitor on a busy machine may sleep for as long
between taking one up and sending on it, so each request has its own."""


class Unexpected(AssertionError):
    """The stack did not do what it promises; the message tells what was expected and what came."""


class Visitor:
    """One person with one address and one browser (`cookie`) or one application (`bearer`).

    Calls give the raw answers, so that their reader can expect failures too; `code` and `mail` wait for what
    must arrive and raise `Unexpected` when it does not. The inbox speaks Mailpit's API.
    """

    def __init__(
        self,
        email: str,
        *,
        auth_url: str,
        inbox_url: str,
        name: str = "",
        transport: Transport = "bearer",
    ) -> None:
        self.email = email
        self.name = name or email.partition("@")[0].replace(".", " ").title()
        self.transport: Transport = transport
        self.challenge_id = ""
        self.token = ""
        self._binding = ""
        self._device = ""
        self._read: set[str] = set()
        headers = {"Origin": auth_url} if transport == "cookie" else {}
        self._auth = httpx.AsyncClient(
            base_url=auth_url, headers=headers, trust_env=False, timeout=10, limits=FRESH
        )
        self._inbox = httpx.AsyncClient(base_url=inbox_url, trust_env=False, timeout=10)

    @classmethod
    def to(
        cls,
        environment: Mapping[str, str],
        email: str,
        *,
        name: str = "",
        transport: Transport = "bearer",
    ) -> Self:
        """Let a person visit the stack that `environment` describes."""
        return cls(
            email,
            auth_url=environment["AUTH_URL"],
            inbox_url=environment["INBOX_URL"],
            name=name,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._auth.aclose()
        await self._inbox.aclose()

    async def register(self) -> httpx.Response:
        """Ask to be let in; 202 whoever asks."""
        return await self._challenged("/v1/registrations", {"email": self.email, "name": self.name})

    async def ask_for_code(self) -> httpx.Response:
        """Ask for a code to sign in with; 202 whoever asks."""
        return await self._challenged("/v1/login/challenges", {"email": self.email})

    async def verify(self, code: str) -> httpx.Response:
        """Send a code for the newest challenge; a right one signs an active person in."""
        answer = await self._auth.post(
            f"/v1/login/challenges/{self.challenge_id}/verify",
            json={"code": code},
            headers=self._recognised(),
        )
        return self._entered(answer)

    async def follow(self, link: str, *, elsewhere: bool = False) -> httpx.Response:
        """Answer by a mailed link, as its page does after a click; `elsewhere` confirms a strange device."""
        sent = {"token": link.partition("#")[2], "elsewhere": elsewhere, "transport": self.transport}
        answer = await self._auth.post("/v1/login/links/consume", json=sent, headers=self._recognised())
        return self._entered(answer)

    async def sign_in(self) -> None:
        """Sign in by a mailed code. Raises `Unexpected`."""
        expect(await self.ask_for_code(), 202, "a request for a code")
        expect(await self.verify(await self.code()), 200, "the right code")

    async def me(self) -> httpx.Response:
        """Ask who is signed in."""
        return await self._auth.get("/v1/me", headers=self._signed())

    async def sign_out(self) -> httpx.Response:
        """End the session."""
        return await self._auth.delete("/v1/sessions/current", headers=self._signed())

    async def users(self, status: str) -> httpx.Response:
        """List people, as an administrator."""
        return await self._auth.get("/v1/admin/users", params={"status": status}, headers=self._signed())

    async def approve(self, user_id: str) -> httpx.Response:
        """Let a newcomer in, as an administrator."""
        return await self._auth.post(f"/v1/admin/users/{user_id}/approve", headers=self._signed())

    async def code(self, *, within: float = MAIL_WITHIN_SECONDS) -> str:
        """Wait for a mail with a code that was not read before. Raises `Unexpected`."""
        mail = await self.mail(CODE_MAIL, within=within)
        found = CODE.search(mail["Text"])
        if found is None:
            raise Unexpected(f"the mail {mail['Subject']!r} to {self.email} has no code in its text")
        return found.group()

    async def link(self, about: str = LINK_MAIL, *, within: float = MAIL_WITHIN_SECONDS) -> str:
        """Wait for a mail with a link that was not read before; one with a code beside it is a code's mail.

        Raises `Unexpected`.
        """
        mail = await self.mail(about, within=within)
        found = LINK.search(mail["Text"])
        if found is None:
            raise Unexpected(f"the mail {mail['Subject']!r} to {self.email} has no link in its text")
        return found.group()

    async def mail(self, about: str, *, within: float = MAIL_WITHIN_SECONDS) -> dict[str, Any]:
        """Wait for an unread mail with these words in its subject, whole as Mailpit gives it.

        Raises `Unexpected` after `within` seconds, naming what is there instead.
        """
        end = time.monotonic() + within
        while True:
            listed = await self._listed()
            for mail in listed:
                if mail["ID"] not in self._read and about.casefold() in mail["Subject"].casefold():
                    self._read.add(mail["ID"])
                    answer = await self._inbox.get(f"/api/v1/message/{mail['ID']}")
                    return dict(answer.json())
            if time.monotonic() >= end:
                there = ", ".join(repr(mail["Subject"]) for mail in listed) or "no mail at all"
                raise Unexpected(
                    f"within {within:g} s, no new mail about {about!r} to {self.email}; there is {there}"
                )
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def skip_mails(self) -> None:
        """Take what is in the inbox now as read: what is waited for afterwards is new."""
        self._read |= {mail["ID"] for mail in await self._listed()}

    async def mails(self) -> list[dict[str, Any]]:
        """List the mails to this person that are here now, newest first, as Mailpit sums them up."""
        return await self._listed()

    async def _listed(self) -> list[dict[str, Any]]:
        try:
            answer = await self._inbox.get("/api/v1/messages", params={"limit": LISTED})
        except httpx.TransportError:
            return []
        return [
            mail
            for mail in answer.json()["messages"]
            if self.email in {person["Address"] for person in mail["To"]}
        ]

    async def _challenged(self, path: str, body: dict[str, str]) -> httpx.Response:
        """Ask for a challenge; codes and links that are in the inbox already belong to earlier ones."""
        self._read |= {
            mail["ID"]
            for mail in await self._listed()
            if any(about in mail["Subject"].casefold() for about in (CODE_MAIL, LINK_MAIL))
        }
        sent = body | {"transport": self.transport}
        answer = await self._auth.post(path, json=sent, headers=self._recognised())
        if answer.status_code == httpx.codes.ACCEPTED:
            challenge = answer.json()
            self.challenge_id = challenge["challenge_id"]
            self._binding = challenge.get("binding", self._binding)
        return answer

    def _entered(self, answer: httpx.Response) -> httpx.Response:
        """Keep what a program is told as it comes in; a browser has it in its cookies."""
        if answer.status_code == httpx.codes.OK and self.transport == "bearer":
            session = answer.json()["session"]
            self.token = session["token"]
            self._device = session.get("device", self._device)
        return answer

    def _recognised(self) -> dict[str, str]:
        """Show by what a program is known again; a browser's cookies do so by themselves."""
        if self.transport == "cookie":
            return {}
        known = {"Porter-Binding": self._binding, "Porter-Device": self._device}
        return {name: value for name, value in known.items() if value}

    def _signed(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def expect(answer: httpx.Response, status: int, what: str, *, code: str | None = None) -> dict[str, Any]:
    """Give an answer's JSON if it has this status (and problem code). Raises `Unexpected` telling both."""
    told = answer.json() if answer.content else {}
    if answer.status_code != status or (code is not None and told.get("code") != code):
        wanted = f"{status} {code}" if code else f"{status}"
        raise Unexpected(f"{what}: expected {wanted}, got {answer.status_code} {answer.text}")
    return dict(told)
