import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.names import can_be_seen, holds_link, plain_name


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


@pytest.mark.parametrize(
    "name",
    ["https://evil.example", "Ada http://evil.example/k", "HTTPS://EVIL", "ftp://x", "www.evil.example",
     "see WWW.evil.example", "evil.example/login", "Ada (evil.example/)", "b\u00fccher.example/x",
     "evil.xn--p1ai/", "evil.example:8080/x", "evil.example?x=1", "evil.example#k", "10.0.0.1/x",
     "10.0.0.1:80/", "https\uff1a\uff0f\uff0fevil.example", "evil\uff0eexample\uff0fk"],
)  # fmt: skip
def test_what_a_mail_program_makes_a_link_of_is_told(name: str) -> None:
    assert holds_link(name)


@pytest.mark.parametrize(
    "name",
    ["", "Ada Lovelace", "J.R.R. Tolkien", "St.John", "Ada, M.Sc./Ph.D.", "Ada c/o Grace", "Dr./Prof. Ada",
     "AC/DC", "Awww. Nice", "ada.lovelace", "Ada: the first", "Nr. 5/7", "\u738b\u5c0f\u660e", "?!", "C#"],
)  # fmt: skip
def test_a_name_with_dots_or_a_slash_is_no_link(name: str) -> None:
    assert not holds_link(name)
