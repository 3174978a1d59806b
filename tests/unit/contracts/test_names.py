import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.names import can_be_seen, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\t Lovelace\r\n", "Ada Lovelace"),
        ("Ada\r\nBcc: eve@example.org", "Ada Bcc: eve@example.org"),
        ("A\x00d\x1ba", "Ada"),
        ("\u202egpj.exe", "gpj.exe"),
        ("Ada\u2028Lovelace", "Ada Lovelace"),
        ("\u0646\u0627\u0645\u200c\u0647\u0627", "\u0646\u0627\u0645\u200c\u0647\u0627"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_made_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(st.text())
def test_no_name_breaks_a_line_or_hides_anything(name: str) -> None:
    plain = plain_name(name)
    assert len(plain) <= 120
    assert plain == plain.strip()
    assert len(plain.splitlines()) <= 1
    controls = {c for c in plain if unicodedata.category(c).startswith("C")}
    assert controls <= {"\u200c", "\u200d"}
    assert plain_name(plain) == plain


@pytest.mark.parametrize("name", ["a", "7", "-", "\u738b", "\U0001f98a", "\u200b.", "\u3164x"])
def test_a_letter_a_number_or_a_sign_can_be_seen(name: str) -> None:
    assert can_be_seen(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u200b", "\u200d", "\u00ad", "\u034f", "\ufe0f", "\u0301", "\u3164", "\u115f", "\u2800"],
)
def test_what_leaves_no_mark_of_its_own_cannot(name: str) -> None:
    assert not can_be_seen(name)
