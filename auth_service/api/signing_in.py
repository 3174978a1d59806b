"""Signing in, for whatever asks: the JSON calls and the pages' forms alike.

A page's form asks with `visitor=browser_of(request, door)` (api/visitors.py; raises `origin_refused`),
`caller` from `TheCaller`, and gets what a JSON call gets, or a `Problem` with the same code to show:

    asked = await ask("ada@example.org", visitor=…, door=…, caller=…)
    asked = await register("ada@example.org", name="Ada", locale="de", visitor=…, door=…, caller=…)
    entry = await answer_with_code(challenge_id, "123456", visitor=…, door=…, caller=…)

`asked.keep(response, door)` and `entry.keep(response, door)` set the browser's cookies on its answer.
Addresses, names and codes come in their one form: `canonical_address`, `person_name`, `typed_code`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID

import structlog
from starlette.responses import Response

from auth_service.api.door import Door
from auth_service.api.problems import Problem
from auth_service.api.visitors import Visitor
from auth_service.flows import questions
from auth_service.flows.answers import ChallengeClosed, CodeWrong, NotLetIn, Outcome, SignedIn, verify
from auth_service.model.callers import Caller
from auth_service.model.challenges import Challenge
from auth_service.model.sessions import Session
from auth_service.model.tokens import new_token
from auth_service.model.users import Status, User

log = structlog.get_logger()

_NOT_LET_IN: Final[Mapping[Status, tuple[str, str]]] = {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A challenge is open, for whoever holds `binding`."""

    challenge: Challenge
    binding: str
    visitor: Visitor

    def keep(self, response: Response, door: Door) -> None:
        """Give a browser its binding; a program keeps its own."""
        if self.visitor.transport == "cookie":
            door.cookies.set_binding(response, self.binding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Someone is in: by `token`, on `device`, and at other applications by `access`, if those are served."""

    user: User
    session: Session
    token: str
    device: str
    access: str | None
    visitor: Visitor

    def keep(self, response: Response, door: Door) -> None:
        """Sign a browser in; a program keeps its tokens itself."""
        if self.visitor.transport == "cookie":
            door.cookies.set_session(response, self.token, access=self.access)
            door.cookies.set_device(response, self.device)


async def ask(email: str, *, visitor: Visitor, door: Door, caller: Caller) -> Asked:
    """Mail whoever has this address a code or link; the same for those whom nobody knows."""
    binding = visitor.binding or new_token()
    async with door.database.unit(caller=caller) as unit:
        challenge = await questions.start_challenge(
            email, binding=binding, unit=unit, rules=door.rules, peppers=door.peppers, sealer=door.sealer
        )
    return _asked(challenge, binding=binding, visitor=visitor)


async def register(
    email: str, *, name: str, locale: str | None, visitor: Visitor, door: Door, caller: Caller
) -> Asked:
    """Take a registration, which counts once its code or link has come back; known people get a mail too."""
    binding = visitor.binding or new_token()
    async with door.database.unit(caller=caller) as unit:
        challenge = await questions.register(
            email,
            name=name,
            locale=locale,
            binding=binding,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    return _asked(challenge, binding=binding, visitor=visitor)


async def answer_with_code(
    challenge_id: UUID, code: str, *, visitor: Visitor, door: Door, caller: Caller
) -> Entry:
    """Sign in by the code. Raises `Problem`: invalid_code, challenge_closed, or where the account stands."""
    token = new_token()
    async with door.database.unit(caller=caller) as unit:
        outcome = await verify(
            challenge_id,
            code,
            binding=visitor.binding or "",
            session_token=token,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    return _let_in(
        outcome, method="otp", token=token, device=visitor.device or new_token(), visitor=visitor, door=door
    )


def _asked(challenge: Challenge, *, binding: str, visitor: Visitor) -> Asked:
    log.info("challenge_started", challenge_id=str(challenge.id))
    return Asked(challenge=challenge, binding=binding, visitor=visitor)


def _let_in(outcome: Outcome, *, method: str, token: str, device: str, visitor: Visitor, door: Door) -> Entry:
    """Count an outcome; pass on the one that is no problem."""

    def refused(problem: Problem) -> Problem:
        door.metrics.logins.labels(method, problem.code).inc()
        log.info("sign_in_refused", reason=problem.code)
        return problem

    match outcome:
        case SignedIn(user, session):
            door.metrics.logins.labels(method, "signed_in").inc()
            log.info("signed_in", user_id=str(user.id), session_id=str(session.id))
            return Entry(user=user, session=session, token=token, device=device, access=None, visitor=visitor)
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
