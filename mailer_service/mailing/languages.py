"""The languages that mails are written in, and which of them someone reads best."""

from functools import lru_cache
from typing import Final

SOURCE: Final = "en"
LANGUAGES: Final = ("en", "de", "pt_BR")
"""The first is the one that the templates are written in."""


@lru_cache(maxsize=256)
def language_for(locale: str) -> str:
    """Choose by someone's locale: itself, else its nearest relative (`de` for `de_AT`), else `en`."""
    wanted = locale.replace("-", "_").lower()
    mother = wanted.partition("_")[0]
    same = (language for language in LANGUAGES if language.lower() == wanted)
    related = (language for language in LANGUAGES if language.partition("_")[0] == mother)
    return next(same, None) or next(related, SOURCE)


def tag(language: str) -> str:
    """Write a language as HTML and headers do (BCP 47): `pt-BR`."""
    return language.replace("_", "-")
