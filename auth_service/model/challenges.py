"""A challenge: the open question whether someone reads the mail of an address."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from auth_service.model.codes import otp_code, same_code
from auth_service.model.peppers import Peppers
from auth_service.model.rules import Method

ATTEMPTS_MAX: Final = 5
"""Codes that may be tried on one challenge; each is counted before it is compared."""

Purpose = Literal["sign_in", "address_change"]
"""What the right answer brings about; a code for the one is none for the other."""

RESEND_COOLDOWN: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A row of a challenge. One without `user_id` is a decoy: it costs the same and no code opens it.

    `proposed_name` and `proposed_locale` are what the person who asked said about themselves. They count
    only beside the right code: whoever else types your address cannot name you.
    """

    id: UUID
    user_id: UUID | None
    code_salt: bytes
    pepper_id: str
    digits: int
    purpose: Purpose
    method: Method
    attempts: int
    budget_hash: bytes
    budget: int
    locale: str
    proposed_name: str | None
    proposed_locale: str | None
    new_address: str | None
    created_at: datetime
    mailed_at: datetime
    expires_at: datetime

    @property
    def attempts_left(self) -> int:
        """How many codes may still be tried."""
        return max(0, ATTEMPTS_MAX - self.attempts)

    @property
    def resend_at(self) -> datetime:
        """When another mail may be asked for."""
        return self.created_at + RESEND_COOLDOWN

    def code(self, peppers: Peppers) -> str | None:
        """Derive the code; None when its pepper is retired."""
        pepper = peppers.get(self.pepper_id)
        if pepper is None:
            return None
        return otp_code(self.id, code_salt=self.code_salt, pepper=pepper, digits=self.digits)

    def is_answered_by(self, given: str, *, peppers: Peppers) -> bool:
        """Tell whether this is the code; a decoy compares too and then refuses."""
        right = self.code(peppers)
        return right is not None and same_code(given, right) and self.user_id is not None
