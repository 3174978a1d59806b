"""Who makes a request: the session behind its token."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from auth_service.api.callers import TheCaller
from auth_service.api.door import Door, TheDoor
from auth_service.api.origins import has_bearer
from auth_service.api.problems import Problem
from auth_service.model.audit import Action
from auth_service.model.sessions import Session
from auth_service.model.users import User

bearer = HTTPBearer(auto_error=False, description="A session's token. Browsers use the session cookie.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Someone who is signed in, by which session."""

    user: User
    session: Session


def token_of(request: Request, door: Door) -> str | None:
    """Give the token that a request carries; one in `Authorization` counts alone."""
    if has_bearer(request):
        return request.headers["authorization"].partition(" ")[2].strip()
    return door.cookies.read_session(request)


def unauthenticated(request: Request, door: Door) -> Problem:
    """Say that nobody is signed in (RFC 6750, section 3); a cookie that opens nothing is to be forgotten."""
    stale = {} if has_bearer(request) else door.cookies.forgetting(request)
    if token_of(request, door) is None:
        detail, challenge = "Sign in first.", 'Bearer realm="porter"'
    else:
        detail, challenge = (
            "This session has ended. Sign in again.",
            'Bearer realm="porter", error="invalid_token"',
        )
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge, **stale})


async def find_user(request: Request, door: Door) -> User | None:
    """Tell who is signed in, if anyone is."""
    found = await find_identity(request, door)
    return None if found is None else found.user


async def find_identity(request: Request, door: Door) -> Identity | None:
    """Tell who is signed in and by which session, if anyone is."""
    token = token_of(request, door)
    if token is None:
        return None
    found = await door.watch.current(token)
    return None if found is None else Identity(user=found.user, session=found.session)


async def _signed_in(request: Request, door: TheDoor) -> Identity:
    identity = await find_identity(request, door)
    if identity is None:
        raise unauthenticated(request, door)
    return identity


SignedIn = Annotated[Identity, Depends(_signed_in)]


async def _administrator(request: Request, identity: SignedIn, door: TheDoor, caller: TheCaller) -> Identity:
    if not identity.user.is_administrator:
        async with door.database.unit(caller=caller) as unit:
            await unit.audit.append(
                Action.ACCESS_REFUSED,
                actor=identity.user.id,
                subject=None,
                details={"reason": "forbidden", "route": f"{request.method} {request.scope['route'].path}"},
            )
        raise Problem("forbidden", "Only administrators may do this.")
    return identity


Administrator = Annotated[Identity, Depends(_administrator)]
"""Someone who may decide about others; that anyone else tried is noted in the audit trail."""
