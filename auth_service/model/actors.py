"""Who does something that takes rights, and by which session: both must last until the deed is done."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone signed in, who acts for themselves or, `administering`, about others.

    Their session ends by itself when it was not seen for `session_idle`.
    """

    user_id: UUID
    session_id: UUID
    session_idle: timedelta
    administering: bool = False


class ActorRefused(Exception):
    """Whoever asked for a deed may not do it any more; nothing of it is done."""

    def __init__(self, user_id: UUID) -> None:
        super().__init__("the deed's actor has lost their rights")
        self.user_id = user_id


class NoLongerSignedIn(ActorRefused):
    """Their session has ended, or their account is not active, since they were let in to ask."""


class NoAdministrator(ActorRefused):
    """They decide about nobody, since they were let in to ask."""
