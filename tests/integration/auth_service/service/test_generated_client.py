"""A stranger makes a client from the OpenAPI document alone, and signs in with it."""

import asyncio
import importlib
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import Service
from tests.support.commands import BARE

PACKAGE = "porter_client"


class Generated:
    """The client's modules; what they hold is known when they have been made, and not to mypy before."""

    def __init__(self, package: str) -> None:
        self._package = package

    def call(self, tag: str, name: str) -> Any:  # noqa: ANN401 - generated
        """Find the function of a call that gives status, headers and what was parsed."""
        return self._module(f"api.{tag}.{name}").asyncio_detailed

    def model(self, name: str) -> Any:  # noqa: ANN401 - generated
        """Find the class of a body."""
        return getattr(self._module("models"), name)

    def client(self, url: str, token: str | None = None) -> Any:  # noqa: ANN401 - generated
        """Make what every call takes."""
        module, options = self._module("client"), {"base_url": url, "httpx_args": {"trust_env": False}}
        return (
            module.Client(**options) if token is None else module.AuthenticatedClient(**options, token=token)
        )

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self._package}.{name}")


@asynccontextmanager
async def generated(url: str, folder: Path) -> AsyncIterator[Generated]:
    """Generate a client from the document at `url`, warnings being errors, and lend it."""
    found = f"{Path(sys.executable).parent}{os.pathsep}{BARE['PATH']}"  # the generator formats with ruff
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--url", f"{url}/openapi.json"),
        *("--output-path", str(folder / PACKAGE), "--meta", "none", "--fail-on-warning"),
        cwd=folder,
        env=BARE | {"PATH": found},
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    sys.path.insert(0, str(folder))
    try:
        yield Generated(PACKAGE)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


@pytest.mark.timeout(180)
async def test_a_generated_client_signs_someone_in_and_out(service: Service, tmp_path: Path) -> None:
    async with service.postgres() as connection:
        (ada,) = await settle(connection, 1)
    async with generated(service.url, tmp_path) as porter:
        async with porter.client(service.url) as stranger:
            token = await _sign_in(porter, stranger, service, ada)
        async with porter.client(service.url, token) as signed_in:
            me = (await porter.call("oneself", "get_me")(client=signed_in)).parsed
            assert (me.id, me.email, me.status.value) == (ada.id, ada.email, "active")
            listed = (await porter.call("sessions", "get_sessions")(client=signed_in)).parsed
            assert [session.current for session in listed.sessions] == [True, False]

            ended = await porter.call("sessions", "delete_current_session")(client=signed_in)
            assert ended.status_code == HTTPStatus.NO_CONTENT
            refused = await porter.call("oneself", "get_me")(client=signed_in)
            assert (refused.status_code, refused.parsed.code) == (HTTPStatus.UNAUTHORIZED, "unauthenticated")


async def _sign_in(porter: Generated, stranger: object, service: Service, person: Person) -> str:
    """Ask for a code, read it where the mailer does, answer with it; gives the session's token."""
    asking = porter.model("ChallengeSent").from_dict({"email": person.email, "transport": "bearer"})
    asked = await porter.call("signing_in", "post_challenge")(client=stranger, body=asking)
    assert asked.status_code == HTTPStatus.ACCEPTED
    async with service.door() as door:
        code = await door.mailed_code(asked.parsed.challenge_id)
    answered = await porter.call("signing_in", "post_code")(
        asked.parsed.challenge_id,
        client=stranger,
        body=porter.model("CodeSent")(code=code),
        porter_binding=asked.parsed.binding,
    )
    assert answered.status_code == HTTPStatus.OK
    assert answered.parsed.user.email == person.email
    return str(answered.parsed.session.token)


async def test_calls_are_named_so_that_one_can_read_them(service: Service) -> None:
    async with service.client() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    named = {
        f"{method} {path}": call["operationId"]
        for path, calls in paths.items()
        for method, call in calls.items()
    }
    assert len(set(named.values())) == len(named)
    assert named["post /v1/login/challenges"] == "post_challenge"
    assert named["get /v1/me"] == "get_me"
    assert {name for name in named.values() if len(name) > 30 or "v1" in name} == set()
