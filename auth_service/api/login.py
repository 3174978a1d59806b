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
    LinkSent,
    LookBody,
    RegistrationSent,
    SignedInBody,
)
from auth_service.api.problems import documented
from auth_service.api.signing_in import answer_with_code, answer_with_link, ask, look_at, register, resend
from auth_service.api.visitors import Answering, BindingHeader, DeviceHeader, Watching, visitor_of

router = APIRouter(prefix="/v1", tags=["signing in"])

_SENDING: Final = (
    *("invalid_json", "origin_refused", "body_too_large", "unsupported_media_type"),
    *("invalid_request", "rate_limited", "unavailable"),
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


@router.get(
    "/login/challenges/{challenge_id}",
    response_model_exclude_none=True,
    responses=documented("invalid_request", "unavailable"),
)
async def get_challenge(challenge_id: UUID, visitor: Watching, door: TheDoor) -> LookBody:
    """Look whether a challenge can still be answered here, and whether mail is late.

    It is `closed` wherever it was not asked for. `delivery` is the same for every address, known or not.
    """
    look = await look_at(challenge_id, visitor=visitor, door=door)
    return LookBody(state=look.state, delivery=look.delivery)


@router.post(
    "/login/challenges/{challenge_id}/resend",
    status_code=202,
    response_model_exclude_none=True,
    responses=documented(
        *("origin_refused", "challenge_closed", "body_too_large", "unsupported_media_type"),
        *("invalid_request", "resend_too_soon", "rate_limited", "unavailable"),
    ),
)
async def post_resend(
    challenge_id: UUID, visitor: Answering, door: TheDoor, caller: TheCaller
) -> ChallengeBody:
    """Ask for the mail once more: the same code with the same attempts, and a new link, to the same end.

    Too soon after the mail before it is 429, and `Retry-After` tells the seconds to wait. Where too many
    wrong codes were given meanwhile, the mail holds a link alone, and `method` says so.
    """
    asked = await resend(challenge_id, visitor=visitor, door=door, caller=caller)
    return ChallengeBody.of(asked, rules=door.rules, binding_told=False)


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


@router.post(
    "/login/links/consume",
    response_model_exclude_none=True,
    responses=documented("link_elsewhere", *_ANSWERING),
)
async def post_link(
    sent: LinkSent,
    request: Request,
    response: Response,
    door: TheDoor,
    caller: TheCaller,
    binding: BindingHeader = None,
    device: DeviceHeader = None,
) -> SignedInBody:
    """Sign in by a mailed link: the token is what follows the `#`. It is spent, and its code with it.

    Where the link was not asked for, the answer is 409 with `masked_address`, and nothing is spent: ask
    whoever clicked it whether that is them, and send it again with `elsewhere`.
    """
    visitor = visitor_of(request, door, transport=sent.transport, binding=binding, device=device)
    entry = await answer_with_link(
        sent.token, elsewhere=sent.elsewhere, visitor=visitor, door=door, caller=caller
    )
    entry.keep(response, door)
    return SignedInBody.of(entry)
