"""Text can be read on what it stands on, in both settings: contrast by WCAG 2.2, section 1.4.3."""

import re

import pytest

from auth_service.pages.routes import STATIC

READABLE = 4.5
PAIRS = (
    *(("ink", ground) for ground in ("paper", "card", "well")),
    *(("faint", ground) for ground in ("paper", "card", "well")),
    *(("deed", ground) for ground in ("paper", "card")),
    *(("deed-ink", ground) for ground in ("deed", "deed-over")),
    *((kind, f"{kind}-paper") for kind in ("good", "bad", "warn")),
    *(("bad", "card"), ("card", "bad")),
)


def palettes() -> list[dict[str, str]]:
    """Read the light colours, and the dark ones that replace them."""
    blocks = re.findall(r":root \{(.*?)\}", (STATIC / "porter.css").read_text(encoding="utf-8"), re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return [light, light | dark]


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out(palette: dict[str, str], text: str, ground: str) -> None:
    dim, bright = sorted((luminance(palette[text]), luminance(palette[ground])))
    assert (bright + 0.05) / (dim + 0.05) >= READABLE
