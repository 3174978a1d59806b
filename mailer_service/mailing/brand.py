"""How a service looks in its mails."""

from dataclasses import dataclass
from typing import Final

DEFAULT_COLOR: Final = "#1f5fbf"


@dataclass(frozen=True, slots=True)
class Brand:
    """A service's name, its colour (`#rrggbb`), what stands where a logo would, and who helps its people."""

    name: str
    color: str = DEFAULT_COLOR
    logo: str = ""
    support: str = ""
