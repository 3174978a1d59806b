"""Browsers of people who are signed in already, at the public application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network

import httpx

from auth_service.model.sessions import Session
from auth_service.model.users import Role, User
from tests.integration.auth_service.api.site import ORIGIN, Site
from tests.integration.auth_service.presences import FIREFOX, Present, present

APP = "https://app.example.org"


def serve_applications(site: Site) -> None:
    """Have a site serve applications under its domain, behind a proxy, and lead back to one of them."""
    door = site.parts.door
    cookies = replace(door.cookies, domain="example.org")
    site.app.state.door = replace(
        door,
        cookies=cookies,
        return_origins=frozenset({APP}),
        trusted_proxies=(ip_network("127.0.0.1/32"),),
    )


@dataclass(frozen=True)
class Visit:
    """A browser that holds someone's session cookie, and whose it is."""

    browser: httpx.AsyncClient
    who: Present

    @property
    def user(self) -> User:
        """Tell who sits at it."""
        return self.who.user

    @property
    def session(self) -> Session:
        """Tell the session that its cookie opens."""
        return self.who.session


@asynccontextmanager
async def visiting(
    site: Site,
    email: str = "ada@example.org",
    *,
    name: str = "Ada",
    role: Role = Role.MEMBER,
    origin: str | None = ORIGIN,
) -> AsyncIterator[Visit]:
    """Open a browser in which someone is signed in; `origin` is what it says that its pages come from."""
    who = await present(site.parts.database, email, name=name, role=role)
    headers = {"User-Agent": FIREFOX} | ({} if origin is None else {"Origin": origin})
    cookies = {site.parts.door.cookies.session: who.token}
    async with site.client(headers=headers, cookies=cookies) as browser:
        yield Visit(browser, who)
