"""Who makes a request: the session behind its token."""

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from auth_service.api.callers import TheCaller
from auth_service.api.door import Door, TheDoor
from auth_service.api.origins import has_bearer
from auth_service.api.problems import Problem
from auth_service.model.actors import Actor
from auth_service.model.callers import Caller
from auth_service.model.rules import LoginRules
from auth_service.model.sessions import Session
from auth_service.model.users import User

bearer = HTTPBearer(auto_error=False, description="A session's token. Browsers use the session cookie.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Someone who is signed in, by which session."""

    user: User
    session: Session
    administering: bool = False

    def actor(self, rules: LoginRules) -> Actor:
        """Name them as whoever's rights a deed takes, which are looked at once more when it is done."""
        return Actor(
            user_id=self.user.id,
            session_id=self.session.id,
            session_idle=rules.session_idle,
            administering=self.administering,
        )


def token_of(request: Request, door: Door) -> str | None:
    """Give the token that a request carries; one in `Authorization` counts alone."""
    if has_bearer(request):
        return request.headers["authorization"].partition(" ")[2].strip()
    return door.cookies.read_session(request)


def unauthenticated(request: Request, door: Door) -> Problem:
    """Say that nobody is signed in (RFC 6750, section 3); a cookie that opens nothing is to be forgotten."""
    stale = () if has_bearer(request) else door.cookies.forgetting(request)
    if token_of(request, door) is None:
        detail, challenge = "Sign in first.", 'Bearer realm="porter"'
    else:
        detail, challenge = (
            "This session has ended. Sign in again.",
            'Bearer realm="porter", error="invalid_token"',
        )
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge}, set_cookies=stale)


def administrators_only() -> Problem:
    """Say that it takes an administrator."""
    return Problem("forbidden", "Only administrators may do this.")


async def note_refused_use(
    request: Request, door: Door, caller: Caller, *, by: UUID, reason: str, **more: str
) -> None:
    """Note in the audit trail that someone with an account asked for what they may not do."""
    route = f"{request.method} {request.scope['route'].path}"
    async with door.database.unit(caller=caller) as unit:
        await unit.audit.refuse(by, details={"reason": reason, "route": route, **more})


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
        await note_refused_use(request, door, caller, by=identity.user.id, reason="forbidden")
        raise administrators_only()
    return replace(identity, administering=True)


Administrator = Annotated[Identity, Depends(_administrator)]
"""Someone who may decide about others; that anyone else tried is noted in the audit trail."""
