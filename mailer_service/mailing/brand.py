"""How a service looks in its mails: its name, its colour, and who helps its people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.names import can_be_seen, plain_name
from mailer_service.mailing.colors import Color

DEFAULT_COLOR: Final = "#1f5fbf"
NAME_CHARACTERS_MAX: Final = 60

_CARD: Final = Color.parse("#ffffff")
_DARK_CARD: Final = Color.parse("#1f242b")
_EDGE: Final = Color.parse("#8a93a0")
_STANDS_OUT: Final = 3.0  # WCAG 2.2, success criterion 1.4.11: what tells a button from what is around it


@dataclass(frozen=True, slots=True)
class Brand:
    """A service's name, its colour, what stands where others have a logo, and an address for questions.

    Raises `ValueError` for a name that is not one line to be read, or a colour that is none.
    """

    name: str
    color: str = DEFAULT_COLOR
    logo: str = ""
    support: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.logo:
            check_name(self.logo)
        Color.parse(self.color)

    def palette(self) -> Mapping[str, str]:
        """Give the colours of a button, for light mode and for dark.

        In light mode it has the brand's own colour, and an edge where that hardly differs from the card. In
        dark mode the colour is lightened until it can be read on the card.
        """
        light = Color.parse(self.color)
        dark = light.lightened_for(_DARK_CARD)
        edge = light if light.contrast(_CARD) >= _STANDS_OUT else _EDGE
        return {
            "button": str(light),
            "button_edge": str(edge),
            "button_ink": str(light.ink()),
            "dark_button": str(dark),
            "dark_button_ink": str(dark.ink()),
        }


def check_name(name: str) -> None:
    """Check a name that every mail is to show. Raises `ValueError`."""
    if plain_name(name) != name or not can_be_seen(name):
        raise ValueError("is not one line of text without control characters")
    if len(name) > NAME_CHARACTERS_MAX:
        raise ValueError(f"is longer than {NAME_CHARACTERS_MAX} characters")
