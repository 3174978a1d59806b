"""The languages that the pages speak, and which of them someone reads best."""

from collections.abc import Mapping
from typing import Final

SOURCE: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch", "pt_BR": "Português (Brasil)"}
"""Each by its own name; the first is the one that the pages are written in."""

ACCEPTED_MAX: Final = 20
"""Languages of one header that are looked at; nobody reads more."""


def language_for(locale: str | None, *, accepted: str) -> str:
    """Choose by what someone chose, then by `Accept-Language` (RFC 9110, section 12.5.4), else `en`."""
    wishes = [] if locale is None else [locale]
    return next(filter(None, map(_spoken, [*wishes, *_by_preference(accepted)])), SOURCE)


def tag(language: str) -> str:
    """Write a language as HTML and browsers do (BCP 47): `pt-BR`."""
    return language.replace("_", "-")


def _by_preference(accepted: str) -> list[str]:
    """List the tags of a header, most wanted first; what cannot be read, or has weight 0, is left out."""
    weighed = []
    for part in accepted.split(",")[:ACCEPTED_MAX]:
        name, _, parameters = part.partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters.strip() else 1.0
        except ValueError:
            continue
        if weight > 0:
            weighed.append((weight, name.strip()))
    return [name for _, name in sorted(weighed, key=lambda wish: -wish[0])]


def _spoken(wish: str) -> str | None:
    """Find the language that is wished for, or its nearest relative: `de` for `de-AT`, `pt_BR` for `pt`."""
    wanted = wish.replace("-", "_").lower()
    for language in LANGUAGES:
        if language.lower() == wanted:
            return language
    mother = wanted.partition("_")[0]
    return next((language for language in LANGUAGES if language.partition("_")[0] == mother), None)
