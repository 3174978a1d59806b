"""Text can be read on what it stands on, in both settings, and fields can be found: contrast by WCAG 2.2."""

import re

import pytest

from auth_service.pages.routes import STATIC

READABLE = 4.5  # section 1.4.3: text
VISIBLE = 3.0  # section 1.4.11: what shows where a field is, or the focus
PAIRS = (
    *(("ink", ground) for ground in ("paper", "card", "well")),
    *(("faint", ground) for ground in ("paper", "card", "well")),
    *(("deed", ground) for ground in ("paper", "card")),
    *(("deed-ink", ground) for ground in ("deed", "deed-over")),
    *((kind, f"{kind}-paper") for kind in ("good", "bad", "warn")),
    *(("bad", "card"), ("card", "bad")),
)
LINES = tuple((line, ground) for line in ("field-line", "ring") for ground in ("paper", "card", "well"))


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


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, as WCAG defines it."""
    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def rule(selector: str) -> str:
    """Give what the sheet says of `selector`."""
    sheet = (STATIC / "porter.css").read_text(encoding="utf-8")
    _, found, rest = sheet.partition(f"\n{selector} {{")
    assert found
    return rest.partition("}")[0]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out(palette: dict[str, str], text: str, ground: str) -> None:
    assert contrast(palette[text], palette[ground]) >= READABLE


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
@pytest.mark.parametrize(("line", "ground"), LINES)
def test_lines_that_tell_something_stand_out(palette: dict[str, str], line: str, ground: str) -> None:
    assert contrast(palette[line], palette[ground]) >= VISIBLE


def test_fields_and_what_may_stand_in_them_are_drawn_in_these_colours() -> None:
    assert "border: 1px solid var(--field-line);" in rule("input, select, textarea")
    assert rule("input::placeholder").split() == ["color:", "var(--faint);", "opacity:", "1;"]
