"""How an answer to a challenge may end."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth_service.model.challenges import Challenge
from auth_service.model.sessions import Session
from auth_service.model.users import User


@dataclass(frozen=True, slots=True)
class Proved:
    """The answer was right, and has spent the challenge: `user_id` reads the mail of its address.

    `here` tells whether it came from where the challenge was asked for; who asked is who proposed a name.
    """

    challenge: Challenge
    user_id: UUID
    here: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The answer was right and they are in."""

    user: User
    session: Session


@dataclass(frozen=True, slots=True)
class NotLetIn:
    """The answer was right, and their account stands elsewhere than `active`."""

    user: User


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """The code was wrong; the attempt is counted."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class ChallengeClosed:
    """There is nothing to answer: unknown, another browser's, expired, spent, or too many wrong codes."""


@dataclass(frozen=True, slots=True)
class LinkElsewhere:
    """The link is good, but was not asked for here; nothing is spent before whoever clicked confirms it."""

    masked_address: str


@dataclass(frozen=True, slots=True)
class TooSoon:
    """A mail went out only just now; another may be asked for after `wait`."""

    wait: timedelta


Outcome = SignedIn | NotLetIn | CodeWrong | ChallengeClosed | LinkElsewhere
