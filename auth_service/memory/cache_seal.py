"""What lies in the cache is sealed: it names people, and whoever could write there could be anybody."""

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12


class Unreadable(Exception):
    """These bytes were not written here under this key, or for another place."""


class CacheSeal:
    """AES-256-GCM with a key for each bundle, derived from `secret`.

    The field is bound to the value, and so is `until`: its generation and when it is fresh no more. An old
    value that is put back is no fresher for it.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, value: bytes, *, bundle: str, field: str, until: str) -> bytes:
        """Seal a value for its place."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher(bundle).encrypt(nonce, value, _bound(field, until))

    def open(self, sealed: bytes, *, bundle: str, field: str, until: str) -> bytes:
        """Open what was sealed for this place. Raises `Unreadable` for anything else."""
        try:
            nonce, box = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return self._cipher(bundle).decrypt(nonce, box, _bound(field, until))
        except (InvalidTag, ValueError) as fault:  # ValueError: too short to hold a nonce
            raise Unreadable from fault

    def _cipher(self, bundle: str) -> AESGCM:
        return AESGCM(hmac.digest(self._secret, bundle.encode(), "sha256"))


def _bound(field: str, until: str) -> bytes:
    return f"{field}\0{until}".encode()
