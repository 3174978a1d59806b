"""A challenge: the open question whether someone reads the mail of an address."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from auth_service.model.budgets import Budget
from auth_service.model.codes import otp_code, same_code
from auth_service.model.peppers import Peppers
from auth_service.model.rules import Method

ATTEMPTS_MAX: Final = 5
"""Codes that may be tried on one challenge; each is counted before it is compared."""

Purpose = Literal["sign_in", "address_change"]
"""What the right answer brings about; a code for the one is none for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A row of a challenge. A decoy costs the same, and no code opens it.

    `user_id` is whose account it is about: for a sign-in, nobody's in a decoy; for a change of address, the
    mover's in any case, and `new_address` is missing where it is a decoy.

    `proposed_name` and `proposed_locale` are what the person who asked said about themselves. They count
    only for a newcomer, and with the right answer from where it was asked for: whoever else types your
    address cannot name you. The answer proves who reads
    the mail of the address behind `address_hash`, and of no other.
    """

    id: UUID
    user_id: UUID | None
    code_salt: bytes
    pepper_id: str
    digits: int
    purpose: Purpose
    method: Method
    attempts: int
    address_hash: bytes
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
    def is_decoy(self) -> bool:
        """Whether nothing opens it, and nobody is mailed."""
        return self.user_id is None or (self.purpose == "address_change" and self.new_address is None)

    @property
    def attempts_left(self) -> int:
        """How many codes may still be tried."""
        return max(0, ATTEMPTS_MAX - self.attempts)

    @property
    def budget_of_failures(self) -> Budget:
        """Where its wrong codes count beyond its own attempts."""
        return Budget(self.budget_hash, self.budget)

    @property
    def mails_code(self) -> bool:
        """Whether its mail holds a code."""
        return self.method != "magic_link"

    @property
    def mails_link(self) -> bool:
        """Whether its mail holds a link."""
        return self.method != "otp"

    def resend_at(self, *, cooldown: timedelta) -> datetime:
        """Tell when another mail may be asked for."""
        return self.mailed_at + cooldown

    def proves(self, address: str) -> bool:
        """Tell whether the right answer shows that someone reads the mail of `address`."""
        return hmac.compare_digest(self.address_hash, address_hash(address))

    def code(self, peppers: Peppers) -> str | None:
        """Derive the code; None when its pepper is retired."""
        pepper = peppers.get(self.pepper_id)
        if pepper is None:
            return None
        return otp_code(self.id, code_salt=self.code_salt, pepper=pepper, digits=self.digits)

    def is_answered_by(self, given: str, *, peppers: Peppers) -> bool:
        """Tell whether this is the code; decoys, and what only a link opens, compare too and then refuse."""
        right = self.code(peppers)
        same = right is not None and same_code(given, right)
        return same and not self.is_decoy and self.mails_code


def address_hash(address: str) -> bytes:
    """Tell what a challenge keeps of the address that its mail goes to."""
    return hashlib.sha256(b"address:" + address.encode()).digest()
