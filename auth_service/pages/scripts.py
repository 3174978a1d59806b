"""Which scripts each page runs."""

from collections.abc import Mapping
from typing import Final

_ALL: Final = ("words.js", "api.js", "screen.js")

SCRIPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "login": (*_ALL, "times.js", "waiting.js", "login.js"),
    "link": (*_ALL, "link.js"),
    "account": (*_ALL, "times.js", "dialogs.js", "sessions.js", "address.js", "account.js"),
    "people": (
        *(*_ALL, "times.js", "dialogs.js", "popups.js", "labels.js"),
        *("person.js", "groups.js", "people.js"),
    ),
    "audit": (*_ALL, "times.js", "labels.js", "audit.js"),
}
"""By the page's template: the last one starts, and those before it are what it imports."""

MENU: Final = ("words.js", "screen.js", "popups.js", "menu.js")
"""The same, for the menu in the bar of these pages."""
WITH_MENU: Final = frozenset({"account", "people", "audit", "members"})


def scripts_of(page: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what is imported on a page, and what starts there."""
    runs = [SCRIPTS.get(page, ()), MENU if page in WITH_MENU else ()]
    imported = dict.fromkeys(script for scripts in runs for script in scripts[:-1])
    return tuple(imported), tuple(scripts[-1] for scripts in runs if scripts)
