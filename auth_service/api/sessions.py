"""Where someone is signed in, and signing out there."""

from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Request, Response

from auth_service.api.callers import TheCaller
from auth_service.api.door import TheDoor
from auth_service.api.identity import SignedIn, bearer, token_of, unauthenticated
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import Problem, documented
from auth_service.api.session_bodies import RevokedBody, SessionBody, SessionsBody
from auth_service.api.visitors import DeviceHere
from auth_service.flows.departures import end_other_sessions, end_session, sign_out
from auth_service.flows.presence import list_sessions

log = structlog.get_logger()
router = APIRouter(prefix="/v1/sessions", tags=["sessions"], dependencies=[Depends(bearer)])


@router.get("", responses=documented("unauthenticated", "unavailable"))
async def get_sessions(identity: SignedIn, door: TheDoor) -> SessionsBody:
    """List where you are signed in, newest first."""
    async with door.database.unit() as unit:
        found = await list_sessions(identity.user.id, unit=unit, rules=door.rules)
    return SessionsBody(sessions=[SessionBody.of(session, current=identity.session.id) for session in found])


@router.delete(
    "/current",
    status_code=204,
    dependencies=[OwnOrigin],
    responses=documented("unauthenticated", "origin_refused", "unavailable"),
)
async def delete_current_session(
    request: Request, response: Response, door: TheDoor, caller: TheCaller
) -> None:
    """Sign out here."""
    async with door.database.unit(caller=caller) as unit:
        ended = await sign_out(token_of(request, door), unit=unit, rules=door.rules, sealer=door.sealer)
    if ended is None:
        raise unauthenticated(request, door)
    log.info("signed_out", user_id=str(ended.user.id), session_id=str(ended.session.id))
    door.cookies.delete_session(response)


@router.delete(
    "/{session_id:uuid}",  # so that it takes nothing that its siblings are called
    status_code=204,
    dependencies=[OwnOrigin],
    responses=documented(
        *("unauthenticated", "origin_refused", "session_not_found", "invalid_request", "unavailable")
    ),
)
async def delete_session(
    session_id: UUID, response: Response, identity: SignedIn, door: TheDoor, caller: TheCaller
) -> None:
    """Sign out somewhere else, or here. The sessions of others are not found, and trying is noted."""
    async with door.database.unit(caller=caller, actor=identity.actor(door.rules)) as unit:
        ended = await end_session(
            session_id,
            user=identity.user,
            current=identity.session,
            unit=unit,
            rules=door.rules,
            sealer=door.sealer,
        )
    if not ended:
        raise Problem("session_not_found", "None of your sessions has this id.")
    log.info("session_revoked", user_id=str(identity.user.id), session_id=str(session_id))
    if session_id == identity.session.id:
        door.cookies.delete_session(response)


@router.post(
    "/revoke-others",
    dependencies=[OwnOrigin],
    responses=documented("unauthenticated", "origin_refused", "invalid_request", "unavailable"),
)
async def post_revoke_others(
    identity: SignedIn, device: DeviceHere, door: TheDoor, caller: TheCaller
) -> RevokedBody:
    """Sign out everywhere but here; whoever comes again from there comes from a device that is new."""
    async with door.database.unit(caller=caller, actor=identity.actor(door.rules)) as unit:
        revoked = await end_other_sessions(
            identity.user,
            current=identity.session,
            device=device,
            unit=unit,
            rules=door.rules,
            sealer=door.sealer,
        )
    log.info("sessions_revoked", user_id=str(identity.user.id), sessions=revoked)
    return RevokedBody(revoked=revoked)
