"""Registering and signing in by a mailed code."""

from typing import Annotated, Final, assert_never
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Request, Response

from auth_service.api.bodies import (
    ChallengeBody,
    ChallengeSent,
    CodeSent,
    RegistrationSent,
    SessionBody,
    SignedInBody,
    UserBody,
)
from auth_service.api.callers import TheCaller
from auth_service.api.door import Door, TheDoor
from auth_service.api.origins import refuse_foreign
from auth_service.api.problems import Problem, documented
from auth_service.flows.answers import ChallengeClosed, CodeWrong, NotLetIn, Outcome, SignedIn, verify
from auth_service.flows.questions import register, start_challenge
from auth_service.model.challenges import Challenge
from auth_service.model.tokens import is_token, new_token
from auth_service.model.users import Status

log = structlog.get_logger()
router = APIRouter(prefix="/v1", tags=["signing in"])

_START_PROBLEMS: Final = documented(
    "invalid_json",
    "origin_refused",
    "body_too_large",
    "unsupported_media_type",
    "invalid_request",
    "unavailable",
)
_NOT_LET_IN: Final = {
    Status.PENDING: (
        "account_pending",
        "Your address is confirmed. You get a mail as soon as an administrator has let you in.",
    ),
    Status.REJECTED: ("account_rejected", "An administrator did not approve your registration."),
    Status.SUSPENDED: (
        "account_suspended",
        "An administrator has suspended your account. Ask them about it.",
    ),
}


@router.post("/registrations", status_code=202, response_model_exclude_none=True, responses=_START_PROBLEMS)
async def post_registration(
    sent: RegistrationSent, request: Request, response: Response, door: TheDoor, caller: TheCaller
) -> ChallengeBody:
    """Ask to be let in. The answer is the same for new and known; a right code proves the address."""
    binding = _binding(sent, request, door)
    async with door.database.unit(caller=caller) as unit:
        challenge = await register(
            sent.email,
            name=sent.name,
            locale=sent.locale,
            binding=binding,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    return _started(challenge, sent=sent, binding=binding, response=response, door=door)


@router.post(
    "/login/challenges", status_code=202, response_model_exclude_none=True, responses=_START_PROBLEMS
)
async def post_challenge(
    sent: ChallengeSent, request: Request, response: Response, door: TheDoor, caller: TheCaller
) -> ChallengeBody:
    """Ask for a code by mail. The answer is the same whether or not anyone has the address."""
    binding = _binding(sent, request, door)
    async with door.database.unit(caller=caller) as unit:
        challenge = await start_challenge(
            sent.email,
            binding=binding,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    return _started(challenge, sent=sent, binding=binding, response=response, door=door)


@router.post(
    "/login/challenges/{challenge_id}/verify",
    response_model_exclude_none=True,
    responses=documented(
        *("invalid_json", "invalid_code", "origin_refused", "account_pending", "account_rejected"),
        *("account_suspended", "challenge_closed", "body_too_large", "unsupported_media_type"),
        *("invalid_request", "unavailable"),
    ),
)
async def post_code(
    challenge_id: UUID,
    sent: CodeSent,
    request: Request,
    response: Response,
    door: TheDoor,
    caller: TheCaller,
    porter_binding: Annotated[
        str | None, Header(description="The challenge's `binding`, with transport bearer.")
    ] = None,
) -> SignedInBody:
    """Answer a challenge from where it was asked. The right code signs in and spends the challenge."""
    if porter_binding is None:
        refuse_foreign(request, door)
    binding = door.cookies.read_binding(request) if porter_binding is None else porter_binding
    token = new_token()
    async with door.database.unit(caller=caller) as unit:
        outcome = await verify(
            challenge_id,
            sent.code,
            binding=binding if binding is not None and is_token(binding) else "",
            session_token=token,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    signed_in = _let_in(outcome, door=door)
    log.info("signed_in", user_id=str(signed_in.user.id), session_id=str(signed_in.session.id))
    if porter_binding is None:
        door.cookies.set_session(response, token, access=None)
    return SignedInBody(
        user=UserBody.of(signed_in.user),
        session=SessionBody.of(signed_in.session, token=token if porter_binding is not None else None),
    )


def _let_in(outcome: Outcome, *, door: Door) -> SignedIn:
    """Count an outcome; pass on the one that is no problem."""

    def refused(problem: Problem) -> Problem:
        door.metrics.logins.labels("otp", problem.code).inc()
        log.info("sign_in_refused", reason=problem.code)
        return problem

    match outcome:
        case SignedIn():
            door.metrics.logins.labels("otp", "signed_in").inc()
            return outcome
        case CodeWrong(attempts_left):
            left = f"You have {attempts_left} more {'try' if attempts_left == 1 else 'tries'}."
            ask = "That was the last try: ask for a new one."
            detail = f"This is not the code. {left if attempts_left else ask}"
            raise refused(Problem("invalid_code", detail, extra={"attempts_left": attempts_left}))
        case ChallengeClosed():
            raise refused(Problem("challenge_closed", "This code can no longer be used. Ask for a new one."))
        case NotLetIn(user):
            raise refused(Problem(*_NOT_LET_IN[user.status]))
        case _:
            assert_never(outcome)


def _binding(sent: RegistrationSent | ChallengeSent, request: Request, door: Door) -> str:
    """Give what ties a challenge to who asks: the browser's own, so that its tabs share it, or a new one."""
    if sent.transport == "bearer":
        return new_token()
    refuse_foreign(request, door)
    return door.cookies.read_binding(request) or new_token()


def _started(
    challenge: Challenge,
    *,
    sent: RegistrationSent | ChallengeSent,
    binding: str,
    response: Response,
    door: Door,
) -> ChallengeBody:
    log.info("challenge_started", challenge_id=str(challenge.id))
    if sent.transport == "cookie":
        door.cookies.set_binding(response, binding)
    return ChallengeBody(
        challenge_id=challenge.id,
        code_length=challenge.digits,
        expires_at=challenge.expires_at,
        resend_at=challenge.resend_at,
        binding=binding if sent.transport == "bearer" else None,
    )
