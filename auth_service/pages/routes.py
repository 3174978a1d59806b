"""The pages and their files. A GET never changes anything."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from auth_service.model.users import Status, User

WhoIsThere = Callable[[Request], Awaitable[User | None]]

_HERE: Final = Path(__file__).parent

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
OTHERS: Final = (
    (Status.ACTIVE, "Active"),
    (Status.UNVERIFIED, "Address not confirmed"),
    (Status.REJECTED, "Rejected"),
    (Status.SUSPENDED, "Suspended"),
)
"""Everyone who does not wait, in the order in which administrators see them."""


class Files(StaticFiles):
    """The pages' scripts and styles: checked for changes each time, so that a new version counts at once."""

    def file_response(self, *arguments: object, **keywords: object) -> Response:
        """Give a file, to be asked for again by its tag."""
        response = super().file_response(*arguments, **keywords)  # type: ignore[arg-type]  # passed through
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def page_routes(*, signed_in: WhoIsThere) -> list[BaseRoute]:
    """Give the routes of all pages; `signed_in` tells whose browser asks."""
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(name: str, **facts: object) -> Callable[[Request], Awaitable[Response]]:
        template = templates.get_template(name)

        async def show(request: Request) -> Response:
            return HTMLResponse(template.render(user=await signed_in(request), **facts), headers=HEADERS)

        return show

    async def home(_: Request) -> Response:
        return RedirectResponse("/login", status_code=303, headers=HEADERS)

    return [
        Route("/", home),
        Route("/login", page("login.html", registering=False)),
        Route("/register", page("login.html", registering=True)),
        Route("/admin", page("admin.html", others=OTHERS)),
        Mount("/static", Files(directory=_HERE / "static"), name="static"),
    ]
