"""Whence a request comes: defences against pages elsewhere that make a browser ask in its owner's name.

Browsers add cookies to requests that other sites cause. So a call that uses or sets a cookie must show that
our own page made it, and a body must have a content type that no plain form can send.
"""

from typing import Final

from fastapi import Depends, Request

from auth_service.api.door import Door, TheDoor
from auth_service.api.problems import Problem

_UNTOLD: Final = "null"


def refuse_foreign(request: Request, door: Door) -> None:
    """Raise `Problem` unless our own origin sent this.

    An `Origin` that names one decides alone. Where it is missing or `null`, as pages that send no referrer
    have it, `Sec-Fetch-Site` decides: no page can write that.
    """
    origin = request.headers.get("origin", _UNTOLD)
    if origin == door.public_origin:
        return
    if origin == _UNTOLD and request.headers.get("sec-fetch-site") == "same-origin":
        return
    raise Problem(
        "origin_refused",
        f"Open this site at {door.public_origin}. A program that uses cookies must send the header"
        f" 'Origin: {door.public_origin}'; one that uses tokens asks with transport \"bearer\" instead.",
    )


async def refuse_other_media(request: Request) -> None:
    """Raise `Problem` for a body that is not JSON."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and media_type != "application/json":
        raise Problem(
            "unsupported_media_type", "Send the body as JSON with 'Content-Type: application/json'."
        )


def has_bearer(request: Request) -> bool:
    """Tell whether a request names its right itself, as no browser does by itself."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


async def _guard_session_use(request: Request, door: TheDoor) -> None:
    # Without the cookie there are no rights that a page elsewhere could use; the call is answered 401.
    if door.cookies.session in request.cookies and not has_bearer(request):
        refuse_foreign(request, door)


OwnOrigin = Depends(_guard_session_use)
"""Guards unsafe calls that act with the session's rights."""

JsonOnly = Depends(refuse_other_media)
"""Guards every call that may have a body."""
