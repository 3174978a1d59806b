"""What people typed is shown in mails as they typed it, and does nothing there."""

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.letters import Letter
from mailer_service.mailing.samples import sample_letter
from mailer_service.mailing.templates import Words
from tests.support.golden_mails import EVERY, TEMPLATES
from tests.support.mail_reader import Reader

TYPED_BY_PEOPLE = {"name", "newcomer_name", "newcomer_address", "invited_by", "reason", "device"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><a href="https://evil.example">Sign in</a>',
    "Ada\r\n\r\nYour code is 000000. Send it to eve@example.org",
    "Ada\u2028Address: nice@example.org",
    "\u202eevil\u202c",
    "{{ code }}%(code)s%s{% raw %}",
    "&lt;b&gt; & <!-- ",
)


@pytest.fixture(params=EVERY, ids=".".join)
def letter(request: pytest.FixtureRequest) -> Letter:
    return sample_letter(*request.param)


def test_what_was_typed_is_text_and_nothing_else(letter: Letter) -> None:
    for typed in HOSTILE:
        assert_harmless(letter, typed)


@given(st.text(max_size=120), st.sampled_from(EVERY))
def test_whatever_was_typed_is_text_and_nothing_else(typed: str, of: tuple[str, str]) -> None:
    assert_harmless(sample_letter(*of), typed)


def assert_harmless(letter: Letter, typed: str) -> None:
    """Compare a mail that repeats `typed` with one that repeats a harmless word: same tags, links, lines."""

    def written(word: str) -> Words:
        facts = {name: word if name in TYPED_BY_PEOPLE else fact for name, fact in letter.facts.items()}
        return TEMPLATES.words(replace(letter, facts=facts))

    told, harmless = written(f"x{typed}"), written("x")
    assert re.findall(r"<[a-zA-Z/!][^>]*>", told.html) == re.findall(r"<[a-zA-Z/!][^>]*>", harmless.html)
    assert Reader(told.html).links == Reader(harmless.html).links
    assert told.subject.splitlines() == [told.subject]
    if "reason" not in letter.facts:
        assert len(told.text.splitlines()) == len(harmless.text.splitlines())
    quoted = [line for line in told.text.splitlines() if line not in harmless.text.splitlines()]
    assert all("x" in line or line.startswith("    ") for line in quoted)
    assert balanced(told.text)
    assert balanced(unescape(told.html))


def balanced(text: str) -> bool:
    """Tell whether no direction outlives its line: isolates are closed, and nothing else turns it."""
    assert not re.search(r"[\u202a-\u202e\u2066\u2067\u200e\u200f\u061c]", text)
    return all(line.count("\u2068") == line.count("\u2069") for line in text.splitlines())


def test_a_name_from_right_to_left_is_kept_apart_from_what_stands_around_it() -> None:
    words = TEMPLATES.words(replace(sample_letter("invitation", "en"), facts={
        "name": "עדה", "invited_by": "غريس هوبر",
    }))  # fmt: skip
    assert "Hello \u2068עדה\u2069,\n" in words.text
    assert words.subject == "\u2068غريس هوبر\u2069 invites you to Porter"
    assert "\u2068غريس هوبر\u2069 invites you" in words.html
