"""What people are called and which language they read."""

import re
import unicodedata
from typing import Final

from contracts.names import can_be_seen, holds_link, plain_name

NAME_CHARACTERS_MAX: Final = 100

# Controls and line ends would break headers and logs, lone surrogates cannot be stored at all.
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Characters that turn the writing direction can make a name read as something else.
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")

_LOCALE = re.compile(r"([a-zA-Z]{2,3})(?:[_-]([a-zA-Z]{2}))?", re.ASCII)


class NameRefused(ValueError):
    """Nobody can be called that; the message says why and repeats none of it."""


class LocaleRefused(ValueError):
    """No language is called so."""


def plain_text(written: str) -> str:
    """Pass text on that can be stored and shown. Raises `ValueError`."""
    if any(unicodedata.category(sign) in _REFUSED_CATEGORIES or sign in _TURNING for sign in written):
        raise ValueError("may not have control characters or line ends")
    return written


def person_name(written: str) -> str:
    """Bring a name into its one form: NFC, one line, single spaces, nothing invisible, no link.

    Others get mails with it: a link in a name would have the service's word. Raises `NameRefused`.
    """
    try:
        name = unicodedata.normalize("NFC", plain_name(plain_text(written)))
    except ValueError as refused:
        raise NameRefused(str(refused)) from None
    if not name:
        raise NameRefused("must not be empty")
    if not can_be_seen(name):
        raise NameRefused("needs at least one character that can be seen")
    if holds_link(name):
        raise NameRefused("may not have a web address in it")
    if len(name) > NAME_CHARACTERS_MAX:  # plain_name cuts off far beyond it
        raise NameRefused(f"may have at most {NAME_CHARACTERS_MAX} characters")
    return name


def locale_name(written: str) -> str:
    """Write a language as `de` or `pt_BR`, however it was written. Raises `LocaleRefused`."""
    found = _LOCALE.fullmatch(written)
    if found is None:
        raise LocaleRefused("needs a language such as en, de or pt_BR")
    language, region = found.groups()
    return f"{language.lower()}_{region.upper()}" if region else language.lower()
