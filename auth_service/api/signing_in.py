"""Signing in, for whatever asks: the JSON calls and the pages' forms alike.

A page's form asks with `visitor=browser_of(request, door)` (api/visitors.py; raises `origin_refused`),
`caller` from `TheCaller`, and gets what a JSON call gets, or a `Problem` with the same code to show:

    asked = await ask("ada@example.org", visitor=…, door=…, caller=…)
    asked = await register("ada@example.org", name="Ada", locale="de", visitor=…, door=…, caller=…)
    asked = await resend(challenge_id, visitor=…, door=…, caller=…)
    entry = await answer_with_code(challenge_id, "123456", visitor=…, door=…, caller=…)
    entry = await answer_with_link(token, elsewhere=False, visitor=…, door=…, caller=…)

`asked.keep(response, door)` and `entry.keep(response, door)` set the browser's cookies on its answer.
Addresses, names and codes come in their one form: `canonical_address`, `person_name`, `typed_code`.
Each but `look_at` raises `rate_limited` to whoever did it too often (api/limits.py), before anything is done.
"""

from dataclasses import dataclass
from typing import Literal, assert_never
from uuid import UUID

import structlog
from starlette.responses import Response

from auth_service.api.door import Door
from auth_service.api.limits import admit_answering, admit_asking, admit_asking_again, admit_registering
from auth_service.api.refused_answers import (
    challenge_closed,
    code_wrong,
    link_elsewhere,
    not_let_in,
    resend_too_soon,
)
from auth_service.api.visitors import Visitor
from auth_service.flows import questions, resending
from auth_service.flows.answers import consume, verify
from auth_service.flows.entering import NewTokens, Proof
from auth_service.flows.outcomes import (
    ChallengeClosed,
    CodeWrong,
    LinkElsewhere,
    NotLetIn,
    Outcome,
    SignedIn,
    TooSoon,
)
from auth_service.model.callers import Caller
from auth_service.model.challenges import Challenge
from auth_service.model.delivery import Delivery
from auth_service.model.sessions import Session
from auth_service.model.tokens import is_token, new_token
from auth_service.model.users import User

log = structlog.get_logger()


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
    """Someone is in, by `tokens` that nobody else knows."""

    user: User
    session: Session
    tokens: NewTokens
    visitor: Visitor

    def keep(self, response: Response, door: Door) -> None:
        """Sign a browser in; a program keeps its tokens itself."""
        if self.visitor.transport == "cookie":
            door.cookies.set_session(response, self.tokens.session, access=self.tokens.access)
            door.cookies.set_device(response, self.tokens.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a challenge stands for whoever asked for it, and how mail gets on for everyone."""

    state: Literal["open", "closed"]
    delivery: Delivery


async def ask(email: str, *, visitor: Visitor, door: Door, caller: Caller) -> Asked:
    """Mail whoever has this address a code or link; the same for those whom nobody knows."""
    await admit_asking(email, visitor=visitor, door=door, caller=caller)
    binding = visitor.binding or new_token()
    async with door.database.unit(caller=caller) as unit:
        challenge = await questions.start_challenge(
            email,
            binding=binding,
            device=visitor.device,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    log.info("challenge_started", challenge_id=str(challenge.id))
    return Asked(challenge=challenge, binding=binding, visitor=visitor)


async def register(
    email: str, *, name: str, locale: str | None, visitor: Visitor, door: Door, caller: Caller
) -> Asked:
    """Take a registration, which counts once its code or link has come back; known people get a mail too."""
    await admit_registering(email, visitor=visitor, door=door, caller=caller)
    binding = visitor.binding or new_token()
    async with door.database.unit(caller=caller) as unit:
        challenge = await questions.register(
            email,
            name=name,
            locale=locale,
            binding=binding,
            device=visitor.device,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    log.info("challenge_started", challenge_id=str(challenge.id))
    return Asked(challenge=challenge, binding=binding, visitor=visitor)


async def resend(challenge_id: UUID, *, visitor: Visitor, door: Door, caller: Caller) -> Asked:
    """Mail the same code again, and a new link. Raises `Problem`: resend_too_soon, challenge_closed."""
    await admit_asking_again(challenge_id, visitor=visitor, door=door, caller=caller)
    binding = visitor.binding or ""
    async with door.database.unit(caller=caller) as unit:
        outcome = await resending.resend(
            challenge_id,
            binding=binding,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    match outcome:
        case Challenge():
            log.info("challenge_mailed_again", challenge_id=str(challenge_id))
            return Asked(challenge=outcome, binding=binding, visitor=visitor)
        case TooSoon(wait):
            raise resend_too_soon(wait)
        case ChallengeClosed():
            raise challenge_closed()
        case _:
            assert_never(outcome)


async def look_at(challenge_id: UUID, *, visitor: Visitor, door: Door) -> Look:
    """Tell how a challenge stands, and whether mail is late; neither tells anything about an address."""
    delivery = await door.delivery()
    async with door.database.unit() as unit:
        is_open = await questions.is_open(
            challenge_id, binding=visitor.binding or "", unit=unit, peppers=door.peppers
        )
    return Look(state="open" if is_open else "closed", delivery=delivery)


async def answer_with_code(
    challenge_id: UUID, code: str, *, visitor: Visitor, door: Door, caller: Caller
) -> Entry:
    """Sign in by the code. Raises `Problem`: invalid_code, challenge_closed, or where the account stands."""
    await admit_answering(door=door, caller=caller)
    tokens = _new_tokens(visitor, door)
    async with door.database.unit(caller=caller) as unit:
        outcome = await verify(
            challenge_id,
            code,
            binding=visitor.binding or "",
            tokens=tokens,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=door.sealer,
        )
    return _let_in(outcome, by="otp", tokens=tokens, visitor=visitor, door=door)


async def answer_with_link(
    token: str, *, elsewhere: bool, visitor: Visitor, door: Door, caller: Caller
) -> Entry:
    """Sign in by a link's token, asked for here, or `elsewhere` if whoever clicked it says so.

    Raises `Problem`: link_elsewhere (with `masked_address`), challenge_closed, or where the account stands.
    """
    await admit_answering(door=door, caller=caller)
    tokens = _new_tokens(visitor, door)
    async with door.database.unit(caller=caller) as unit:
        outcome = await consume(
            token if is_token(token) else "",
            binding=visitor.binding or "",
            elsewhere=elsewhere,
            tokens=tokens,
            unit=unit,
            rules=door.rules,
            sealer=door.sealer,
        )
    return _let_in(outcome, by="magic_link", tokens=tokens, visitor=visitor, door=door)


def _new_tokens(visitor: Visitor, door: Door) -> NewTokens:
    """Make what a sign-in hands out; a device that is known keeps the name that it is known by."""
    others = visitor.transport == "cookie" and door.cookies.domain is not None
    return NewTokens(
        session=new_token(),
        device=visitor.device or new_token(),
        access=new_token() if others else None,
        replaced=visitor.session,
    )


def _let_in(outcome: Outcome, *, by: Proof, tokens: NewTokens, visitor: Visitor, door: Door) -> Entry:
    """Count an outcome; pass on the one that is no problem."""
    match outcome:
        case SignedIn(user, session):
            door.metrics.logins.labels(by, "signed_in").inc()
            log.info("signed_in", user_id=str(user.id), session_id=str(session.id))
            return Entry(user=user, session=session, tokens=tokens, visitor=visitor)
        case CodeWrong(attempts_left):
            problem = code_wrong(attempts_left)
        case ChallengeClosed():
            problem = challenge_closed()
        case LinkElsewhere(masked):
            problem = link_elsewhere(masked)
        case NotLetIn(user):
            problem = not_let_in(user.status)
        case _:
            assert_never(outcome)
    door.metrics.logins.labels(by, problem.code).inc()
    log.info("sign_in_refused", reason=problem.code)
    raise problem
