"""Colours as mails write them, and whether one can be read on another (WCAG 2.2, success criterion 1.4.3)."""

import re
from dataclasses import dataclass
from typing import Final, Self

READABLE: Final = 4.5
"""The contrast that text of any size needs (level AA)."""

_WRITTEN: Final = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Color:
    """Red, green and blue, each from 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read `#1f5fbf`, or `1f5fbf`. Raises `ValueError`."""
        if (found := _WRITTEN.fullmatch(written)) is None:
            raise ValueError("is no colour of six hexadecimal digits")
        red, green, blue = (int(part, 16) for part in found.groups())
        return cls(red, green, blue)

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """How bright it is, from 0 to 1 (WCAG 2.2, relative luminance)."""
        red, green, blue = (_linear(part / 255) for part in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, other: "Color") -> float:
        """How far two colours stand apart, from 1 to 21 (WCAG 2.2, contrast ratio)."""
        dark, bright = sorted((self.luminance, other.luminance))
        return (bright + 0.05) / (dark + 0.05)

    def ink(self) -> "Color":
        """Choose white or black for text on it; one of them can always be read."""
        return max(WHITE, BLACK, key=self.contrast)

    def lightened_for(self, background: "Color") -> "Color":
        """Mix in as little white as it takes to be readable on a dark background."""
        mixes = (self._mixed(WHITE, step / _STEPS) for step in range(_STEPS + 1))
        return next((mix for mix in mixes if mix.contrast(background) >= READABLE), WHITE)

    def _mixed(self, other: "Color", share: float) -> "Color":
        pairs = ((self.red, other.red), (self.green, other.green), (self.blue, other.blue))
        return Color(*(round(own + (its - own) * share) for own, its in pairs))


WHITE: Final = Color(255, 255, 255)
BLACK: Final = Color(0, 0, 0)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
