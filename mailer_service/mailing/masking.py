"""Errors and replies made fit for logs and the ledger: no address, no code, nothing that breaks a line."""

import re
from collections.abc import Iterable
from typing import Final

CHARACTERS_MAX: Final = 500
MASK: Final = "[masked]"

_ADDRESS = re.compile(r"[^\s<>\"'(),:;=]+@[^\s<>\"'(),:;=]+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def masked(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Take out every address, and each of `secrets`; an address among those goes by its local part too.

    One line of printable ASCII comes back, of at most 500 characters.
    """
    for secret in secrets:
        text = re.sub(re.escape(secret), MASK, text, flags=re.IGNORECASE)
        local, at, _ = secret.partition("@")
        if at and local:
            text = re.sub(rf"(?<![\w.+-]){re.escape(local)}(?![\w+-])", MASK, text, flags=re.IGNORECASE)
    text = _ADDRESS.sub(MASK, text)
    return _UNPRINTABLE.sub(" ", text).strip()[:CHARACTERS_MAX]
