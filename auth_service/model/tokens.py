"""Opaque tokens: 256 random bits, url-safe, kept only as SHA-256.

A fast hash is enough: nobody guesses 256 random bits, so there is nothing for a slow one to slow down.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Final

RandomBytes = Callable[[int], bytes]

_TOKEN_BYTES: Final = 32
_WRITTEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_token(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Make a token of 43 characters (RFC 4648 section 5, unpadded)."""
    return base64.urlsafe_b64encode(random_bytes(_TOKEN_BYTES)).rstrip(b"=").decode()


def is_token(written: str | None) -> bool:
    """Tell whether this has a token's form; what has not is never looked up nor kept."""
    return written is not None and _WRITTEN.fullmatch(written) is not None


def token_hash(token: str) -> bytes:
    """Tell what is stored of a token: its SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()
