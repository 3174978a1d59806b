"""How mails say what is not a word: durations, moments, and texts of any length."""

from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.names import plain_name

PARAGRAPH_CHARACTERS_MAX: Final = 1000


def in_words(duration: timedelta) -> str:
    """Say a duration as people do, in whole hours, minutes or seconds: "10 minutes"."""
    seconds = max(0, round(duration.total_seconds()))
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return "0 seconds"


def clock(moment: datetime) -> str:
    """Say when, in a zone that everyone can convert from: "14:05 UTC"."""
    return moment.astimezone(UTC).strftime("%H:%M UTC")


def day_and_clock(moment: datetime) -> str:
    """Say when, with the day in the one order that nobody reads as another: "2026-03-01, 14:05 UTC"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d, %H:%M UTC")


def one_paragraph(text: str) -> str:
    """Make one paragraph of what someone typed: none of its lines passes for the mail's own."""
    return plain_name(text, characters_max=PARAGRAPH_CHARACTERS_MAX)
