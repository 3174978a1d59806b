"""How mails say what is not a word: durations, moments, names and texts of any length.

A template is told words only. Whatever depends on a fact's value is decided here, before it.
"""

import textwrap
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from babel.dates import format_date, format_skeleton
from babel.units import format_unit

from contracts.names import can_be_seen, holds_link, plain_name

Fact: TypeAlias = str | timedelta | datetime
"""What a letter tells: words, how long, or when."""

PARAGRAPH_CHARACTERS_MAX: Final = 1000
LINE_CHARACTERS_MAX: Final = 4000
QUOTED: Final = frozenset({"reason"})
"""Facts that are a text of someone's, to be quoted in lines of its own."""
CLOCKS: Final = frozenset({"valid_until"})
"""Moments so near that the day goes without saying."""

_QUOTE_WIDTH: Final = 74
_INDENT: Final = " " * 4
_TURNING: Final = frozenset({"R", "AL"})  # bidirectional classes of letters written from right to left


def worded(facts: Mapping[str, Fact], language: str) -> dict[str, str]:
    """Say a letter's facts in a language. What has nothing to be seen is empty.

    Each is one line without control characters; only what is quoted has several, each indented.
    `code_spoken` is the code's digits one by one, for those who listen.
    """
    words = {name: _said(name, fact, language) for name, fact in facts.items()}
    if "code" in words:
        words["code_spoken"] = " ".join(words["code"])
    return words


@lru_cache(maxsize=256)
def in_words(duration: timedelta, language: str) -> str:
    """Say a duration as people do, in whole hours, minutes or seconds: "10 minutes", "10 Minuten"."""
    seconds = max(0, round(duration.total_seconds()))
    units = (("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next((each for each in units if seconds >= each[1] and seconds % each[1] == 0), units[-1])
    return format_unit(seconds // size, f"duration-{unit}", locale=language)


def clock(moment: datetime, language: str) -> str:
    """Say when, in a zone that everyone can convert from: "14:05 UTC"."""
    return _clock(_minute(moment), language)


def day_and_clock(moment: datetime, language: str) -> str:
    """Say when, with the day, its month in words: "March 1, 2026, 14:05 UTC"."""
    return _day_and_clock(_minute(moment), language)


def one_paragraph(text: str) -> str:
    """Make one paragraph of what someone typed: none of its lines passes for the mail's own."""
    return plain_name(text, characters_max=PARAGRAPH_CHARACTERS_MAX)


def isolated(line: str) -> str:
    """Keep what is written from right to left from turning its neighbours round (Unicode UAX 9, isolates)."""
    if line.isascii() or not any(unicodedata.bidirectional(letter) in _TURNING for letter in line):
        return line
    return f"\u2068{line}\u2069"


def called(name: str) -> str:
    """Say what someone is called, on one line; nothing where mail programs would make a link of the name.

    Nobody is given such a name any more, but some may have theirs from before, and others get mails with it.
    """
    plain = plain_name(name)
    return "" if holds_link(plain) or not can_be_seen(plain) else plain


def _said(name: str, fact: Fact, language: str) -> str:
    match fact:
        case timedelta():
            return in_words(fact, language)
        case datetime():
            return clock(fact, language) if name in CLOCKS else day_and_clock(fact, language)
        case str():
            line = fact if fact.isprintable() else plain_name(fact, characters_max=LINE_CHARACTERS_MAX)
            if not can_be_seen(line):
                return ""
            return _quoted(line) if name in QUOTED else isolated(line)


def _quoted(text: str) -> str:
    """Break a text into indented lines, at blanks alone: HTML shows the blanks that were there.

    A link or a word that is longer than a line stays whole, as does a text in a script without blanks.
    """
    lines = textwrap.wrap(
        text,
        width=_QUOTE_WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


@lru_cache(maxsize=1024)
def _clock(minute: datetime, language: str) -> str:
    return f"{format_skeleton('Hm', minute, tzinfo=UTC, locale=language)} UTC"


@lru_cache(maxsize=1024)
def _day_and_clock(minute: datetime, language: str) -> str:
    return f"{format_date(minute, 'long', locale=language)}, {_clock(minute, language)}"
