"""Names as both services show them: one line of text, with nothing in it that cannot be seen."""

import re
import unicodedata
from typing import Final

PLAIN_CHARACTERS_MAX: Final = 120
_JOINERS: Final = frozenset("\u200c\u200d")  # letters of several scripts need them to be written right
# Letters and symbols by their category, and blank in every font: Hangul fillers, the empty Braille cell.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# `https://…`, `www.…`, and a domain or network address with something after its slash or port.
_LINK: Final = re.compile(r"://|\bwww\.|\w\.[\w-]{2,}(:[0-9]+)?[/?#]|\d\.\d{1,3}(:[0-9]+)?/", re.IGNORECASE)


def plain_name(name: str, *, characters_max: int = PLAIN_CHARACTERS_MAX) -> str:
    """Make a name fit for a header and a line of text: one line, nothing invisible, not endless.

    Control characters and what turns the writing direction go; any white space becomes a blank.
    """
    if name.isprintable():  # nothing in it is to go, and its only white space is blanks
        return " ".join(name.split())[:characters_max].strip()
    spaced = "".join(" " if character.isspace() else character for character in name)
    visible = (
        character
        for character in spaced
        if character in _JOINERS or not unicodedata.category(character).startswith("C")
    )
    return " ".join("".join(visible).split())[:characters_max].strip()


def can_be_seen(name: str) -> bool:
    """Tell whether at least one character leaves a mark of its own: a letter, number, symbol or the like."""
    return any(
        character not in _BLANK and unicodedata.category(character)[0] in {"L", "N", "P", "S"}
        for character in name
    )


def holds_link(name: str) -> bool:
    """Tell whether mail programs would make a link of a part of it.

    A domain alone passes: some names have dots in them.
    """
    return _LINK.search(unicodedata.normalize("NFKC", name)) is not None
