"""Forward authentication: a proxy asks about each request to an application, and passes on who it is from."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from auth_service.api.callers import is_from_proxy
from auth_service.api.door import Door, TheDoor
from auth_service.api.identity import bearer, find_identity, token_of, unauthenticated
from auth_service.api.problems import Problem, documented
from auth_service.model.remote_headers import NOBODY, remote_headers
from auth_service.model.returns import safe_return
from auth_service.model.users import User

router = APIRouter(prefix="/v1", tags=["forward authentication"], dependencies=[Depends(bearer)])

_TOLD: Final = {
    name: {"schema": {"type": "string"}, "description": told}
    for name, told in (
        ("Remote-User", "Their id, which never changes."),
        ("Remote-Email", "Their address."),
        ("Remote-Name", "What they are called; percent-encoded UTF-8 where it is not plain ASCII."),
        ("Remote-Groups", "`admin` for administrators, `member` for everyone else."),
    )
}
_EMPTY: Final = {name: {"schema": {"type": "string", "const": ""}} for name in NOBODY}


def _responses() -> dict[int | str, dict[str, object]]:
    told = documented("unauthenticated", "invalid_request", "unavailable")
    told[401]["headers"] = _EMPTY
    return told | {
        204: {"description": "Someone is signed in, and this is who.", "headers": _TOLD},
        303: {
            "description": "With `redirect`: a page's visitor is to sign in first.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}, **_EMPTY},
        },
    }


@router.head("/sessions/verify", status_code=204, response_class=Response, responses=_responses())
@router.get("/sessions/verify", status_code=204, response_class=Response, responses=_responses())
async def verify_session(
    request: Request,
    door: TheDoor,
    *,
    redirect: Annotated[
        bool,
        Query(description="Send visitors of pages to the login page, for proxies that pass answers on."),
    ] = False,
) -> Response:
    """Tell a proxy whose request it holds: 204 with four `Remote-` headers, or 401 with all of them empty.

    Accepts the session cookie, a bearer token, and the cookie `__Secure-porter_access`, which browsers send
    to applications under `AUTH_COOKIE_DOMAIN`. With `redirect=1`, a GET (`X-Forwarded-Method`) that accepts
    HTML is answered with 303 to the login page instead of 401. That page leads back to where
    `X-Forwarded-Proto`, `-Host` and `-Uri` say, if its origin is in `AUTH_RETURN_ORIGINS`. These four headers
    count from `AUTH_TRUSTED_PROXIES` alone.
    """
    user = await _who_comes(request, door)
    if user is not None:
        return Response(status_code=204, headers=dict(remote_headers(user)))
    if redirect and _shows_pages(request, door):
        return RedirectResponse(_login_page(request, door), status_code=303, headers=dict(NOBODY))
    refused = unauthenticated(request, door)
    raise Problem(refused.code, refused.detail, headers={**refused.headers, **NOBODY})


async def _who_comes(request: Request, door: Door) -> User | None:
    """Find who comes by the first of their tokens: their session's own before that for applications."""
    if token_of(request, door) is not None:
        identity = await find_identity(request, door)
        return None if identity is None else identity.user
    access = door.cookies.read_access(request)
    if access is None:
        return None
    found = await door.watch.accessing(access)
    return None if found is None else found.user


def _shows_pages(request: Request, door: Door) -> bool:
    """Tell whether the proxy holds a request that a person waits for, and that may be repeated."""
    method = _forwarded(request, door).get("method") or request.method
    accepted = request.headers.get("accept", "").lower().split(",")
    return method == "GET" and any(each.partition(";")[0].strip() == "text/html" for each in accepted)


def _login_page(request: Request, door: Door) -> str:
    """Tell where to sign in, with the way back to what was asked for where that is agreed upon."""
    told = _forwarded(request, door)
    scheme, host, path = (told.get(part, "") for part in ("proto", "host", "uri"))
    back = safe_return(
        f"{scheme}://{host}{path}", own_origin=door.public_origin, return_origins=door.return_origins
    )
    page = f"{door.public_origin}/login"
    return page if back is None else f"{page}?return_to={quote(back, safe='')}"


def _forwarded(request: Request, door: Door) -> dict[str, str]:
    """Give what a proxy of ours tells of the request that it holds; from anyone else that is nothing."""
    if not is_from_proxy(request, proxies=door.trusted_proxies):
        return {}
    names = {part: f"x-forwarded-{part}" for part in ("method", "proto", "host", "uri")}
    return {part: request.headers[name] for part, name in names.items() if name in request.headers}
