"""Errors and replies made fit for logs and the ledger: no address, no code, nothing that breaks a line.

And addresses made fit for mails that others may read.
"""

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
        text = _without(text, secret, pattern=re.escape(secret))
        local, at, _ = secret.partition("@")
        if at and local:
            text = _without(text, local, pattern=rf"(?<![\w.+-]){re.escape(local)}(?![\w+-])")
    text = _ADDRESS.sub(MASK, text)
    return _UNPRINTABLE.sub(" ", text).strip()[:CHARACTERS_MAX]


def half_masked(address: str) -> str:
    """Show an address to whoever may know it already: `c•••@e•••.net`, and of no length."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"


def _without(text: str, secret: str, *, pattern: str) -> str:
    """Mask a secret; most replies hold none, and each new pattern costs a compilation."""
    if secret.casefold() not in text.casefold():
        return text
    return re.sub(pattern, MASK, text, flags=re.IGNORECASE)
