"""Lists and lines fit for a terminal, whatever is told in them."""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

LIMIT_MOST: Final = 100_000


def printable(line: str) -> str:
    r"""Escape as `\u001b` what could steer a terminal, or cannot be printed: an entry may hold anything."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)


def plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """Write ids as text, and moments as RFC 3339 does, to the second and in UTC."""
    return {name: _plain(value) for name, value in told.items()}


def table(columns: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give rows as lines, under one with their columns' names if there is any row."""
    if rows:
        yield columns.format_map({name: name for name in re.findall(r"{(\w+)", columns)})
    for row in rows:
        filled = {name: "" if value is None else value for name, value in plain(row).items()}
        yield printable(columns.format_map(filled)).rstrip()


def counted(number: int, one: str, many: str, *, limit: int, more: bool) -> str:
    """Tell how many were listed, and how to see more if there are `more`."""
    beyond = f", and there are more: --limit {min(limit * 2, LIMIT_MOST)}" if more else ""
    return f"{number} {one if number == 1 else many}{beyond}"


def limit(text: str) -> int:
    """Read how many may be listed. Raises `ArgumentTypeError`, for argparse to tell."""
    if re.fullmatch(r"[0-9]{1,6}", text) is None or not 1 <= int(text) <= LIMIT_MOST:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number from 1 to {LIMIT_MOST}")
    return int(text)


def _plain(value: object) -> object:
    match value:
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        case UUID():
            return str(value)
        case _:
            return value
