"""The caller's own session."""

import structlog
from fastapi import APIRouter, Depends, Request, Response

from auth_service.api.bodies import UserBody
from auth_service.api.door import TheDoor
from auth_service.api.identity import SignedIn, bearer, token_of, unauthenticated
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import documented
from auth_service.flows.presence import sign_out
from auth_service.model.tokens import is_token

log = structlog.get_logger()
router = APIRouter(prefix="/v1", tags=["sessions"], dependencies=[Depends(bearer)])


@router.get("/me", responses=documented("unauthenticated", "unavailable"))
async def get_me(identity: SignedIn) -> UserBody:
    """Tell who is signed in."""
    return UserBody.of(identity.user)


@router.delete(
    "/sessions/current",
    status_code=204,
    dependencies=[OwnOrigin],
    responses=documented("unauthenticated", "origin_refused", "unavailable"),
)
async def delete_current_session(request: Request, response: Response, door: TheDoor) -> None:
    """Sign out here."""
    token = token_of(request, door)
    if token is None or not is_token(token):
        raise unauthenticated(request, door)
    async with door.database.unit() as unit:
        ended = await sign_out(token, unit=unit)
    if not ended:
        raise unauthenticated(request, door)
    log.info("signed_out")
    door.cookies.delete_session(response)
