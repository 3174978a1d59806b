"""One-time codes: derived when they are needed, stored nowhere."""

import hmac
import unicodedata
from typing import Final
from uuid import UUID

SALT_BYTES: Final = 16
DIGITS_MIN: Final = 6
DIGITS_MAX: Final = 8


def otp_code(challenge_id: UUID, *, code_salt: bytes, pepper: bytes, digits: int) -> str:
    """Derive a challenge's code: RFC 4226 truncation of HMAC-SHA-256(pepper, challenge id and salt).

    The salt never leaves Postgres and the pepper never enters it, so neither a dump of the one nor a leak
    of the other gives codes away.
    """
    if not DIGITS_MIN <= digits <= DIGITS_MAX:
        raise ValueError(f"a code has {DIGITS_MIN} to {DIGITS_MAX} digits")
    digest = hmac.digest(pepper, challenge_id.bytes + code_salt, "sha256")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def same_code(given: str, right: str) -> bool:
    """Compare two codes in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(), right.encode())


def typed_code(typed: str) -> str:
    """Read a code as people type it: spaces and dashes dropped, any script's digits taken as 0 to 9.

    Raises `ValueError` when that leaves anything but 6 to 8 digits.
    """
    kept = [sign for sign in typed if not sign.isspace() and unicodedata.category(sign) != "Pd"]
    if not all(sign.isdecimal() for sign in kept) or not DIGITS_MIN <= len(kept) <= DIGITS_MAX:
        raise ValueError(f"needs the {DIGITS_MIN} to {DIGITS_MAX} digits from the mail")
    return "".join(str(unicodedata.decimal(sign)) for sign in kept)
