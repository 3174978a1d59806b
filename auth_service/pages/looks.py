"""What the pages show to those who look: a GET changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth_service.api.door import Door
from auth_service.api.identity import find_user
from auth_service.model.returns import safe_return
from auth_service.model.users import Status
from auth_service.pages.catalogues import marked
from auth_service.pages.rendering import HEADERS, Renderer
from auth_service.storage.faults import PostgresAway

HOME: Final = "/account"
RETRY_AFTER: Final = {"Retry-After": "2"}

STATUSES: Final = (
    (Status.PENDING, marked("Waiting for approval")),
    (Status.ACTIVE, marked("Active")),
    (Status.INVITED, marked("Invited")),
    (Status.UNVERIFIED, marked("Address not confirmed")),
    (Status.REJECTED, marked("Rejected")),
    (Status.SUSPENDED, marked("Suspended")),
)
"""Every status, in the order in which administrators choose among them."""


@dataclass(frozen=True)
class Looks:
    """The pages, as they answer GET."""

    door: Door
    renderer: Renderer

    async def home(self, _: Request) -> Response:
        """Lead on to where everyone begins."""
        return self.lead(HOME)

    async def login(self, request: Request) -> Response:
        """Ask for an address, unless someone is signed in here already."""
        return await self._entrance(request, registering=False)

    async def register(self, request: Request) -> Response:
        """Ask for a name and an address, unless someone is signed in here already."""
        return await self._entrance(request, registering=True)

    async def code(self, _: Request) -> Response:
        """Lead a reader who comes back to a form's answer to where it begins."""
        return self.lead("/login")

    async def link(self, request: Request) -> Response:
        """Show a button. The link's token is in the fragment, which only a script of ours can read."""
        return self.renderer.page(request, "link", user=None)

    async def account(self, request: Request) -> Response:
        """Show someone what we know about them."""
        return await self._inside(request, "account", administrators=False)

    async def people(self, request: Request) -> Response:
        """Show administrators who is here."""
        return await self._inside(request, "people", administrators=True, facts={"statuses": STATUSES})

    async def audit(self, request: Request) -> Response:
        """Show administrators what was done, by everyone or around one person."""
        return await self._inside(
            request, "audit", administrators=True, facts={"person": _person_of(request)}
        )

    def entrance(
        self,
        request: Request,
        *,
        registering: bool,
        status: int = 200,
        return_to: str | None,
        view: str = "start",
        headers: Mapping[str, str] | None = None,
        **facts: str,
    ) -> Response:
        """Show the card for signing in or registering, in one of its views."""
        return self.renderer.page(
            request,
            "login",
            user=None,
            status=status,
            headers=headers,
            facts={
                "method": "otp",
                "challenge": "",
                "email": "",
                "name": "",
                "sentence": "",
                "field": "",
                **facts,
                "registering": registering,
                "view": view,
                "return_to": return_to or "",
                "onward": return_to or HOME,
                "query": f"?{urlencode({'return_to': return_to})}" if return_to else "",
            },
        )

    def return_to(self, asked: str | None) -> str | None:
        """Tell where a sign-in may lead back to; None where that was not agreed upon."""
        return safe_return(asked, own_origin=self.door.public_origin, return_origins=self.door.return_origins)

    def lead(self, where: str) -> Response:
        """Send a browser on, to look there."""
        return RedirectResponse(where, status_code=303, headers=HEADERS)

    def away(self, request: Request) -> Response:
        """Say that the database is away, and lead on to where asking again is a GET, too."""
        again = _address_of(request) if request.method in {"GET", "HEAD"} else HOME
        return self.renderer.page(
            request, "away", user=None, status=503, headers=RETRY_AFTER, facts={"again": again}
        )

    async def _entrance(self, request: Request, *, registering: bool) -> Response:
        return_to = self.return_to(request.query_params.get("return_to"))
        try:
            user = await find_user(request, self.door)
        except PostgresAway:  # the form still shows, and its answer tells what is wrong
            user = None
        if user is None:
            return self.entrance(request, registering=registering, return_to=return_to)
        if return_to is None or return_to.startswith("/"):
            return self.lead(return_to or HOME)
        # Not led on by itself: an application that does not know this session would send it back for ever.
        place = urlsplit(return_to).netloc or return_to
        return self.renderer.page(request, "present", user=user, facts={"onward": return_to, "place": place})

    async def _inside(
        self, request: Request, name: str, *, administrators: bool, facts: Mapping[str, object] | None = None
    ) -> Response:
        try:
            user = await find_user(request, self.door)
        except PostgresAway:
            return self.away(request)
        if user is None:
            return self.lead(f"/login?{urlencode({'return_to': _address_of(request)})}")
        if administrators and not user.is_administrator:
            return self.renderer.page(request, "members", user=user, status=403)
        return self.renderer.page(request, name, user=user, facts=facts)


def _address_of(request: Request) -> str:
    path, query = quote(request.url.path), request.url.query
    return f"{path}?{query}" if query else path


def _person_of(request: Request) -> str:
    try:
        return str(UUID(request.query_params.get("person", "")))
    except ValueError:
        return ""
