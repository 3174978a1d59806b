"""The public application on a real database, and a person at it: the arrangement of the tests beside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from auth_service.app import create_app
from auth_service.model.peppers import new_pepper
from auth_service.settings import AuthSettings
from auth_service.wiring import Parts, assemble
from contracts.sealing import new_key
from devstack.ports import free_port
from tests.integration.auth_service.door import Door
from tests.support.no_limits import NO_LIMITS

ORIGIN = "https://login.example.org"


@dataclass
class Site:
    """The application, its parts, and `door`: the same flows, called directly."""

    parts: Parts
    app: FastAPI
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        own = self.parts.door
        self.door = Door(own.database, peppers=own.peppers, sealer=own.sealer, rules=own.rules)

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """Open a browser at this site: it keeps cookies and tells its origin."""
        return self.client(headers={"Origin": ORIGIN, **headers})

    def client(
        self, headers: dict[str, str] | None = None, cookies: dict[str, str] | None = None
    ) -> httpx.AsyncClient:
        """Make a client that tells nothing by itself."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers, cookies=cookies)

    async def ask(
        self, client: httpx.AsyncClient, email: str, *, path: str = "/v1/login/challenges"
    ) -> httpx.Response:
        """Ask for a code or link at a browser."""
        name = {"name": "Ada"} if path.endswith("registrations") else {}
        return await client.post(path, json={"email": email, **name})

    async def sign_in(self, client: httpx.AsyncClient, email: str) -> dict[str, Any]:
        """Sign someone in who is active, by cookie."""
        asked = await client.post("/v1/login/challenges", json={"email": email})
        challenge = asked.json()["challenge_id"]
        code = await self.door.mailed_code_of(challenge)
        answer = await client.post(f"/v1/login/challenges/{challenge}/verify", json={"code": code})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def sign_in_program(self, client: httpx.AsyncClient, email: str) -> dict[str, str]:
        """Sign a program in, for someone who is active; gives the headers that it sends from then on."""
        asked = await client.post("/v1/login/challenges", json={"email": email, "transport": "bearer"})
        told = asked.json()
        answer = await client.post(
            f"/v1/login/challenges/{told['challenge_id']}/verify",
            json={"code": await self.door.mailed_code_of(told["challenge_id"])},
            headers={"Porter-Binding": told["binding"]},
        )
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['session']['token']}"}


@asynccontextmanager
async def open_site(
    postgres_url: str, redis_url: str | None = None, *, public_url: str = ORIGIN, **settings: object
) -> AsyncIterator[Site]:
    """Open a site; without `redis_url` there is no Redis where it looks for one.

    `settings` go by the names that `AuthSettings` has for them. Nobody is limited there unless they say so:
    all visitors come from one address.
    """
    known: dict[str, Any] = {
        "database_url": postgres_url,
        "redis_url": SecretStr(redis_url or f"redis://127.0.0.1:{free_port()}/0"),
        "sealing_keys": (SecretStr(new_key()),),
        "peppers": (SecretStr(new_pepper()),),
        "public_url": public_url,
        **{name.removeprefix("AUTH_").lower(): value for name, value in NO_LIMITS.items()},
        **settings,
    }
    parts = assemble(AuthSettings(**known))
    try:
        yield Site(parts, create_app(parts, relaying=False))
    finally:
        await parts.close()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this problem in full form, and give it."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), answer.text
    assert body["type"] == f"urn:porter:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["trace_id"] == answer.headers["porter-trace-id"]
    assert answer.headers["cache-control"] == "no-store"
    return body
