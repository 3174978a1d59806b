"""Which scripts each page runs."""

from collections.abc import Mapping
from typing import Final

_ALL: Final = ("words.js", "api.js", "screen.js")

SCRIPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "login": (*_ALL, "times.js", "waiting.js", "login.js"),
    "link": (*_ALL, "link.js"),
    "account": (*_ALL, "times.js", "dialogs.js", "sessions.js", "address.js", "account.js"),
    "people": (
        *_ALL,
        "times.js",
        "dialogs.js",
        "popups.js",
        "labels.js",
        "person.js",
        "groups.js",
        "people.js",
    ),
    "audit": (*_ALL, "times.js", "labels.js", "audit.js"),
}
"""By the page's template: the last one starts, and those before it are what it imports."""

MENU: Final = ("screen.js", "words.js", "popups.js", "menu.js")
"""The same, wherever someone is signed in."""


def scripts_of(page: str, *, signed_in: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what is imported on a page, and what starts there."""
    *imported, started = SCRIPTS.get(page) or (None,)
    if signed_in:
        imported += [script for script in MENU[:-1] if script not in imported]
    starting = (started, MENU[-1] if signed_in else None)
    return tuple(filter(None, imported)), tuple(filter(None, starting))
