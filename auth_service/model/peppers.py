"""Peppers: server-side keys of the codes, never stored beside what they protect.

A challenge names its pepper by key id, so that peppers can be rotated while challenges are open.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from typing import Final

PEPPER_BYTES: Final = 32


class Peppers:
    """All peppers in use, newest first: the newest makes codes, all of them check codes."""

    def __init__(self, peppers: Sequence[bytes]) -> None:
        if not peppers:
            raise ValueError("at least one pepper is needed")
        self._by_id = {pepper_id(pepper): pepper for pepper in peppers}
        self.newest_id = pepper_id(peppers[0])

    @property
    def newest(self) -> bytes:
        """The pepper that new challenges use."""
        return self._by_id[self.newest_id]

    @property
    def budget_key(self) -> bytes:
        """The key that names budgets of wrong codes (model/budgets.py)."""
        return self.key_for("budgets")

    def key_for(self, use: str) -> bytes:
        """Derive a key for something else than codes; another one comes with a new pepper."""
        return hmac.digest(self.newest, f"porter: {use}".encode(), "sha256")

    @property
    def ids(self) -> Collection[str]:
        """The key ids of all that are in use."""
        return self._by_id.keys()

    def get(self, key_id: str) -> bytes | None:
        """Find a pepper; None once it is retired, and with it the codes it made."""
        return self._by_id.get(key_id)


def pepper_id(pepper: bytes) -> str:
    """Name a pepper: the first 8 hex digits of its SHA-256."""
    return hashlib.sha256(pepper).hexdigest()[:8]


def parse_pepper(written: str) -> bytes:
    """Read a pepper as settings write it. Raises `ValueError` unless it is 32 bytes in url-safe base64."""
    try:
        pepper = base64.b64decode(written, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a pepper is not url-safe base64") from None
    if len(pepper) != PEPPER_BYTES:
        raise ValueError("a pepper must be 32 bytes in url-safe base64")
    return pepper


def new_pepper() -> str:
    """Make a pepper as settings write it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(PEPPER_BYTES)).decode()
