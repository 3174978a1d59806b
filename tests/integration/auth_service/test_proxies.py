"""The proxies of `docs/proxies.md`, as written there, before an application that has no login of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from auth_service.model.audit import Action
from auth_service.model.peppers import Peppers, new_pepper, parse_pepper
from auth_service.model.remote_headers import NOBODY
from auth_service.serving import server
from auth_service.storage.database import Database
from contracts.sealing import Sealer, new_key
from devstack.ports import free_port
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.presences import audited, present, set_status
from tests.integration.auth_service.process import environment, running
from tests.support.certificates import Authority
from tests.support.proxies import APPLICATION, LISTENS, PROXIES, NamesLeadTo
from tests.support.waiting import until

LOGIN, APP = "https://login.example.org", "https://app.example.org"
PAGE: Final = {"Accept": "text/html,*/*;q=0.8"}
FORGED: Final = {
    "Remote-User": "forged",
    "remote-email": "root@example.org",
    "REMOTE-NAME": "forged",
    "Remote-Groups": "admin",
    "Remote_Email": "root@example.org",
    "remote_groups": "admin",
}
WITHIN = 20.0


@dataclass
class Application:
    """Whatever stands behind the proxy: it keeps what it was sent."""

    asked: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.asked.append(request)
        return PlainTextResponse("the application")

    def told(self) -> list[tuple[str, str]]:
        """Give every header of the last request that tells who comes, however it is spelt."""
        raw = [(name.decode(), value.decode()) for name, value in self.asked[-1].headers.raw]
        return sorted((name, value) for name, value in raw if name.replace("_", "-").startswith("remote-"))


@dataclass(frozen=True)
class House:
    """A proxy, and what stands behind it: Porter and an application."""

    application: Application
    door: Door
    client: httpx.AsyncClient

    @property
    def database(self) -> Database:
        return self.door.database

    async def sign_in(self, email: str) -> None:
        """Sign in through the proxy, as the login page does."""
        same_site = {"Origin": LOGIN}
        asked = await self.client.post(
            f"{LOGIN}/v1/login/challenges", json={"email": email}, headers=same_site
        )
        challenge = asked.json()["challenge_id"]
        answer = {"code": await self.door.mailed_code_of(challenge)}
        verify = f"{LOGIN}/v1/login/challenges/{challenge}/verify"
        entered = await self.client.post(verify, json=answer, headers=same_site)
        assert entered.status_code == 200, entered.text


@asynccontextmanager
async def _listening(application: Application, port: int) -> AsyncIterator[None]:
    methods = ["GET", "HEAD", "POST"]
    app = Starlette(routes=[Route("/{path:path}", application.answer, methods=methods)])
    serving = server(app, lifespan=False)
    task = asyncio.create_task(serving.serve(sockets=[socket.create_server(("127.0.0.1", port))]))
    try:
        await until(lambda: serving.started, within=WITHIN)
        yield
    finally:
        serving.should_exit = True
        await task


@pytest.fixture(params=sorted(PROXIES))
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[NamesLeadTo, int, int]]:
    """Run each proxy as documented; gives the way to it, and the ports of what it expects behind it."""
    port, porter, application = free_port(), free_port(), free_port()
    authority = Authority(tmp_path)
    chain = authority.sign(*(x509.DNSName(urlsplit(url).netloc) for url in (LOGIN, APP)))
    moved = {LISTENS: f"127.0.0.1:{porter}", APPLICATION: f"127.0.0.1:{application}"}
    with PROXIES[request.param](port=port, moved=moved, chain=chain, folder=tmp_path):
        yield NamesLeadTo(port, trusted=authority.trusted()), porter, application


@pytest_asyncio.fixture
async def house(
    proxy: tuple[NamesLeadTo, int, int], postgres_url: str, database: Database, tmp_path: Path
) -> AsyncIterator[House]:
    """Put Porter and an application behind it."""
    transport, porter, port = proxy
    pepper, key = new_pepper(), new_key()
    settings = environment(
        postgres_url,
        "redis://127.0.0.1:1/0",  # nothing here needs one
        AUTH_PEPPERS=pepper,
        SEALING_KEYS=key,
        AUTH_PORT=str(porter),
        PUBLIC_URL=LOGIN,
        AUTH_COOKIE_DOMAIN="example.org",
        AUTH_RETURN_ORIGINS=APP,
        AUTH_TRUSTED_PROXIES="127.0.0.1/32",
        AUTH_RELAY="off",
    )
    application = Application()
    door = Door(database, peppers=Peppers([parse_pepper(pepper)]), sealer=Sealer([key]))
    async with (
        running("serve", folder=tmp_path, settings=settings),
        _listening(application, port),
        httpx.AsyncClient(transport=transport) as client,
    ):

        async def ready() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get(f"{LOGIN}/readyz")).status_code == httpx.codes.OK
            return False

        await until(ready, within=WITHIN)
        yield House(application, door, client)


async def test_who_is_not_signed_in_is_led_to_the_login_page_and_back(house: House) -> None:
    answer = await house.client.get(f"{APP}/notes?id=7&q=a%20b", headers=PAGE)
    assert answer.status_code == 303
    login = urlsplit(answer.headers["location"])
    assert f"{login.scheme}://{login.netloc}{login.path}" == f"{LOGIN}/login"
    assert parse_qs(login.query) == {"return_to": [f"{APP}/notes?id=7&q=a%20b"]}
    assert house.application.asked == []


async def test_scripts_and_forms_of_who_is_not_signed_in_are_refused(house: House) -> None:
    answers = [
        await house.client.get(f"{APP}/notes", headers={"Accept": "application/json"}),
        await house.client.post(f"{APP}/notes", headers=PAGE, content=b"x" * 1000),
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.json()["code"] for answer in answers] == ["unauthenticated"] * 2
    assert house.application.asked == []


async def test_the_application_is_told_who_comes_and_never_holds_the_session(house: House) -> None:
    ada = await present(house.database, name="Łukasz Ünal")
    await house.sign_in(ada.user.email)
    answer = await house.client.post(f"{APP}/notes", content=b"a note")
    assert (answer.status_code, answer.text) == (200, "the application")
    assert house.application.bodies == [b"a note"]
    assert house.application.told() == [
        ("remote-email", "ada@example.org"),
        ("remote-groups", "member"),
        ("remote-name", "%C5%81ukasz %C3%9Cnal"),
        ("remote-user", str(ada.user.id)),
    ]
    assert {*house.application.asked[-1].cookies} == {"__Secure-porter_access"}


async def test_what_a_client_says_of_itself_never_arrives(house: House) -> None:
    ada = await present(house.database)
    answer = await house.client.get(f"{APP}/notes", headers=FORGED)
    assert answer.status_code == 401
    assert house.application.asked == []
    answer = await house.client.get(f"{APP}/notes", headers=FORGED | ada.bearer)
    assert answer.status_code == 200
    told = dict(house.application.told())
    assert {*told} == {name.lower() for name in NOBODY}
    assert (told["remote-email"], told["remote-groups"]) == ("ada@example.org", "member")


async def test_who_is_suspended_is_refused_by_the_very_next_request(house: House) -> None:
    ada = await present(house.database)
    await house.sign_in(ada.user.email)
    assert (await house.client.get(f"{APP}/notes")).status_code == 200
    await set_status(house.database, ada.user.id, "suspended")
    assert (await house.client.get(f"{APP}/notes")).status_code == 401
    assert (await house.client.get(f"{APP}/notes", headers=PAGE)).status_code == 303
    assert len(house.application.asked) == 1


async def test_signing_out_at_porter_ends_it_at_the_application_and_is_noted_with_its_place(
    house: House,
) -> None:
    ada = await present(house.database)
    await house.sign_in(ada.user.email)
    access = house.client.cookies["__Secure-porter_access"]
    assert (await house.client.get(f"{APP}/notes")).status_code == 200
    headers = {"Origin": LOGIN, "X-Forwarded-For": "203.0.113.99"}
    out = await house.client.delete(f"{LOGIN}/v1/sessions/current", headers=headers)
    assert out.status_code == 204
    assert "__Secure-porter_access" not in house.client.cookies
    kept = {"Cookie": f"__Secure-porter_access={access}"}
    assert (await house.client.get(f"{APP}/notes", headers=kept)).status_code == 401
    (noted,) = await audited(house.database, Action.SIGNED_OUT)
    assert noted["client_address"] == "127.0.0.1"


async def test_the_way_to_porter_is_no_page_of_the_application(house: House) -> None:
    ada = await present(house.database)
    answer = await house.client.get(f"{APP}/_porter/verify", headers=ada.bearer)
    assert not {name.lower() for name in NOBODY} & {*answer.headers}
