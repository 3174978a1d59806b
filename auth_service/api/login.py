"""Registering and signing in by what is mailed."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from auth_service.api.callers import TheCaller
from auth_service.api.door import TheDoor
from auth_service.api.login_bodies import (
    ChallengeBody,
    ChallengeSent,
    CodeSent,
    RegistrationSent,
    SignedInBody,
)
from auth_service.api.problems import documented
from auth_service.api.signing_in import answer_with_code, ask, register
from auth_service.api.visitors import Answering, DeviceHeader, visitor_of

router = APIRouter(prefix="/v1", tags=["signing in"])

_SENDING: Final = (
    *("invalid_json", "origin_refused", "body_too_large", "unsupported_media_type"),
    *("invalid_request", "unavailable"),
)
_ANSWERING: Final = (
    *_SENDING,
    "account_pending",
    "account_rejected",
    "account_suspended",
    "challenge_closed",
)


@router.post(
    "/registrations", status_code=202, response_model_exclude_none=True, responses=documented(*_SENDING)
)
async def post_registration(
    sent: RegistrationSent,
    request: Request,
    response: Response,
    door: TheDoor,
    caller: TheCaller,
    device: DeviceHeader = None,
) -> ChallengeBody:
    """Ask to be let in. The answer is the same for new and known; a right code proves the address."""
    visitor = visitor_of(request, door, transport=sent.transport, binding=None, device=device)
    asked = await register(
        sent.email, name=sent.name, locale=sent.locale, visitor=visitor, door=door, caller=caller
    )
    asked.keep(response, door)
    return ChallengeBody.of(asked, rules=door.rules)


@router.post(
    "/login/challenges", status_code=202, response_model_exclude_none=True, responses=documented(*_SENDING)
)
async def post_challenge(
    sent: ChallengeSent,
    request: Request,
    response: Response,
    door: TheDoor,
    caller: TheCaller,
    device: DeviceHeader = None,
) -> ChallengeBody:
    """Ask for a code or link by mail. The answer is the same whether or not anyone has the address."""
    visitor = visitor_of(request, door, transport=sent.transport, binding=None, device=device)
    asked = await ask(sent.email, visitor=visitor, door=door, caller=caller)
    asked.keep(response, door)
    return ChallengeBody.of(asked, rules=door.rules)


@router.post(
    "/login/challenges/{challenge_id}/verify",
    response_model_exclude_none=True,
    responses=documented("invalid_code", *_ANSWERING),
)
async def post_code(
    challenge_id: UUID,
    sent: CodeSent,
    response: Response,
    visitor: Answering,
    door: TheDoor,
    caller: TheCaller,
) -> SignedInBody:
    """Answer a challenge from where it was asked. The right code signs in and spends the challenge."""
    entry = await answer_with_code(challenge_id, sent.code, visitor=visitor, door=door, caller=caller)
    entry.keep(response, door)
    return SignedInBody.of(entry)
