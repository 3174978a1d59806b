"""Lines fit for a terminal, whatever is told in them."""

import json


def printable(line: str) -> str:
    r"""Escape as `\u001b` what could steer a terminal, or cannot be printed: an entry may hold anything."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)
