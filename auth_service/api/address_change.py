"""Moving one's account to another address, by a code that comes there."""

from typing import Annotated, Final, assert_never

import structlog
from fastapi import APIRouter, Depends, Request, Response

from auth_service.api.bodies import UserBody
from auth_service.api.callers import TheCaller
from auth_service.api.door import TheDoor
from auth_service.api.identity import SignedIn, bearer
from auth_service.api.limits import admit_answering, admit_moving
from auth_service.api.login_bodies import ChallengeBody
from auth_service.api.origins import OwnOrigin, has_bearer
from auth_service.api.problems import documented
from auth_service.api.refused_answers import challenge_closed, code_wrong
from auth_service.api.session_bodies import NewAddressCodeSent, NewAddressSent
from auth_service.api.signing_in import Asked
from auth_service.api.visitors import BindingHeader, DeviceHere, Visitor, visitor_of
from auth_service.flows.address_changes import Moved, ask_to_move, move
from auth_service.flows.outcomes import ChallengeClosed, CodeWrong
from auth_service.model.tokens import new_token

log = structlog.get_logger()
router = APIRouter(prefix="/v1/me/email", tags=["oneself"], dependencies=[Depends(bearer)])

_PROBLEMS: Final = (
    *("invalid_json", "unauthenticated", "origin_refused", "body_too_large"),
    *("unsupported_media_type", "invalid_request", "rate_limited", "unavailable"),
)


def _mover(request: Request, door: TheDoor, binding: BindingHeader = None) -> Visitor:
    """Tell where a change is asked for: whoever shows a token in `Authorization` keeps a binding likewise."""
    transport: Final = "bearer" if has_bearer(request) else "cookie"
    return visitor_of(request, door, transport=transport, binding=binding, device=None)


Mover = Annotated[Visitor, Depends(_mover)]


@router.post(
    "",
    status_code=202,
    response_model_exclude_none=True,
    dependencies=[OwnOrigin],
    responses=documented(*_PROBLEMS),
)
async def post_new_address(
    sent: NewAddressSent,
    response: Response,
    identity: SignedIn,
    visitor: Mover,
    door: TheDoor,
    caller: TheCaller,
) -> ChallengeBody:
    """Ask for another address: a code goes there, if nobody has it. The answer is the same either way."""
    await admit_moving(identity.user.id, door=door, caller=caller)
    binding = visitor.binding or new_token()
    async with door.database.unit(caller=caller, actor=identity.actor(door.rules)) as unit:
        challenge = await ask_to_move(
            identity.user,
            sent.email,
            binding=binding,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    log.info("address_change_started", challenge_id=str(challenge.id), user_id=str(identity.user.id))
    asked = Asked(challenge=challenge, binding=binding, visitor=visitor)
    asked.keep(response, door)
    return ChallengeBody.of(asked, rules=door.rules)


@router.post(
    "/verify",
    dependencies=[OwnOrigin],
    responses=documented("invalid_code", "challenge_closed", *_PROBLEMS),
)
async def post_new_address_code(
    sent: NewAddressCodeSent,
    identity: SignedIn,
    visitor: Mover,
    device: DeviceHere,
    door: TheDoor,
    caller: TheCaller,
) -> UserBody:
    """Answer with the code, from where it was asked for. The account moves, and other sessions end.

    The address before is told by mail. With a bearer token, send the challenge's `binding`, too.
    """
    await admit_answering(door=door, caller=caller)
    async with door.database.unit(caller=caller) as unit:
        outcome = await move(
            sent.challenge_id,
            sent.code,
            mover=identity.user,
            current=identity.session,
            binding=visitor.binding or "",
            device=device,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    match outcome:
        case Moved(user, ended):
            log.info("address_changed", user_id=str(user.id), sessions=ended)
            return UserBody.of(user)
        case CodeWrong(attempts_left):
            problem = code_wrong(attempts_left)
        case ChallengeClosed():
            problem = challenge_closed()
        case _:
            assert_never(outcome)
    log.info("address_change_refused", user_id=str(identity.user.id), reason=problem.code)
    raise problem
