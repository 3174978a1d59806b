"""The pages and their files, by their paths."""

from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from auth_service.api.door import Door
from auth_service.pages.deeds import Deeds
from auth_service.pages.looks import Looks
from auth_service.pages.rendering import Renderer

STATIC: Final = Path(__file__).parent / "static"


class Files(StaticFiles):
    """The pages' scripts and styles: checked for changes each time, so that a new version counts at once."""

    def file_response(self, *arguments: object, **keywords: object) -> Response:
        """Give a file, to be asked for again by its tag."""
        response = super().file_response(*arguments, **keywords)  # type: ignore[arg-type]  # passed through
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def page_routes(door: Door) -> list[BaseRoute]:
    """Give the routes of all pages, translated and compiled once."""
    looks = Looks(door, Renderer(return_origins=door.return_origins))
    deeds = Deeds(door, looks)
    return [
        Route("/", looks.home),
        Route("/login", looks.login),
        Route("/login", deeds.login, methods=["POST"]),
        Route("/register", looks.register),
        Route("/register", deeds.register, methods=["POST"]),
        Route("/login/code", looks.code),
        Route("/login/code", deeds.code, methods=["POST"]),
        Route("/login/link", looks.link),
        Route("/logout", deeds.logout, methods=["POST"]),
        Route("/account", looks.account),
        Route("/admin", looks.people),
        Route("/admin/audit", looks.audit),
        Mount("/static", Files(directory=STATIC), name="static"),
    ]
