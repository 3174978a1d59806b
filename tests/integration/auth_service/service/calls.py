"""Every call of the service, as its own document lists them: none can be forgotten."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.integration.auth_service.service.running import Service

SAFE: Final = frozenset({"GET", "HEAD"})
_HIDDEN: Final = re.compile(r"\{(\w+)\}")

BODIES: Final[Mapping[str, Mapping[str, object]]] = {
    "post_registration": {"email": "eve@example.org", "name": "Eve"},
    "post_challenge": {"email": "eve@example.org"},
    "post_code": {"code": "123456"},
    "post_link": {"token": "L" * 43},
    "patch_me": {"name": "Eve"},
    "post_new_address": {"email": "eve@example.org"},
    "post_new_address_code": {"challenge_id": str(uuid4()), "code": "123456"},
    "patch_user": {"name": "Eve"},
    "post_rejection": {"reason": "No."},
    "post_suspension": {"reason": "No."},
    "post_invitation": {"email": "eve@example.org"},
}
"""Something that would do, for each call that takes a body; `listed` wants one for each."""


@dataclass(frozen=True)
class Call:
    """One call of the document."""

    name: str
    method: str
    path: str
    for_session: bool

    @property
    def is_unsafe(self) -> bool:
        """Tell whether it may change anything."""
        return self.method not in SAFE

    @property
    def body(self) -> dict[str, Any] | None:
        """Give a body that would do."""
        return dict(BODIES[self.name]) if self.name in BODIES else None

    def at(self, **ids: object) -> str:
        """Write the path with these ids; made-up ones for those that are not given."""
        return _HIDDEN.sub(lambda found: str(ids.get(found[1], uuid4())), self.path)


async def listed(service: Service) -> list[Call]:
    """List all calls."""
    async with service.client() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    told = [(method, path, call) for path, calls in paths.items() for method, call in calls.items()]
    assert {call["operationId"] for _, _, call in told if "requestBody" in call} == BODIES.keys()
    return [
        Call(call["operationId"], method.upper(), path, for_session="security" in call)
        for method, path, call in told
    ]


async def send(client: httpx.AsyncClient, call: Call, **ids: object) -> httpx.Response:
    """Make a call as it is meant to be made."""
    return await client.request(call.method, call.at(**ids), json=call.body)
