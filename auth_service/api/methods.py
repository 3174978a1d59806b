"""What can be done at a path: the header `Allow` of a 405 (RFC 9110, section 15.5.6)."""

from typing import Final

from starlette.requests import Request
from starlette.routing import Match

_KNOWN: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(request: Request) -> str:
    """List the methods of all routes that have this path; the framework tells those of the first alone."""
    scope = {key: request.scope.get(key, "") for key in ("type", "path", "root_path")}
    routes = request.app.routes
    return ", ".join(
        method
        for method in _KNOWN
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    )
