import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.brand import Brand
from mailer_service.mailing.colors import BLACK, READABLE, WHITE, Color

PART = st.integers(min_value=0, max_value=255)
DARK_CARD = Color.parse("#1f242b")


def colors() -> st.SearchStrategy[Color]:
    return st.builds(Color, PART, PART, PART)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#1f5fbf", "#ffffff", 6.05)],
)
def test_contrast_is_what_the_guideline_says(one: str, other: str, ratio: float) -> None:
    assert Color.parse(one).contrast(Color.parse(other)) == pytest.approx(ratio, abs=0.05)


@given(colors())
def test_white_or_black_can_be_read_on_any_colour(color: Color) -> None:
    assert color.ink() in {WHITE, BLACK}
    assert color.contrast(color.ink()) >= READABLE


@given(colors())
def test_a_colour_is_lightened_no_further_than_it_takes(color: Color) -> None:
    mixed = color.lightened_for(DARK_CARD)
    assert mixed.contrast(DARK_CARD) >= READABLE
    assert mixed == color or color.contrast(DARK_CARD) < READABLE


@given(colors())
def test_what_is_written_reads_back(color: Color) -> None:
    assert Color.parse(str(color)) == color
    assert Color.parse(str(color).removeprefix("#").upper()) == color


@pytest.mark.parametrize(
    "written", ["", "red", "#fff", "#1f5fb", "#1f5fbf0", "#1f5fbg", "url(x)", "#1f5fbf;"]
)
def test_what_is_no_colour_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        Color.parse(written)


@given(colors())
def test_a_button_can_be_read_and_told_from_its_card_in_any_brand(color: Color) -> None:
    palette = {name: Color.parse(value) for name, value in Brand("Choir", color=str(color)).palette().items()}
    assert palette["button"] == color
    assert palette["button"].contrast(palette["button_ink"]) >= READABLE
    assert palette["button_edge"].contrast(WHITE) >= 3
    assert palette["dark_button"].contrast(palette["dark_button_ink"]) >= READABLE
    assert palette["dark_button"].contrast(DARK_CARD) >= 3


@pytest.mark.parametrize(
    "name", ["", " ", "Choir\r\nBcc: eve@example.org", "\u202eChoir", "x" * 61, " Choir"]
)
def test_a_name_that_cannot_be_shown_on_a_line_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"one line|longer than 60"):
        Brand(name)


def test_a_heading_is_held_to_what_names_are() -> None:
    with pytest.raises(ValueError, match="one line"):
        Brand("Choir", logo="Choir\n")
    assert re.fullmatch(r"#[0-9a-f]{6}", Brand("Choir", logo="♪").palette()["button"])
