"""What people typed is shown in mails as they typed it, and does nothing there."""

import email
import email.policy
import re
from dataclasses import replace
from email.message import EmailMessage
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.names import can_be_seen
from mailer_service.mailing.brand import Brand
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.samples import AT, sample_letter
from mailer_service.mailing.skeleton import LINE_BYTES_MAX
from mailer_service.mailing.templates import Templates, Words
from mailer_service.mailing.wording import PARAGRAPH_CHARACTERS_MAX, one_paragraph
from tests.support.golden_mails import EVERY, TEMPLATES
from tests.support.mail_reader import Reader
from tests.support.nasty_words import typed_reasons

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


@given(typed_reasons(), st.sampled_from(("account_rejected", "account_suspended")))
def test_a_reason_is_shown_in_html_as_it_was_typed(typed: str, mail: str) -> None:
    paragraph = one_paragraph(typed)
    words = TEMPLATES.words(replace(sample_letter(mail, "en"), facts={"name": "", "reason": paragraph}))
    shown = re.findall(r'(?s)<p class="text quote"[^>]*>(.*?)</p>', words.html)

    assert [collapsed(unescape(each)) for each in shown] == [paragraph] * can_be_seen(paragraph)


def collapsed(text: str) -> str:
    """Take ends of lines for blanks and several blanks for one, as HTML does."""
    return re.sub(r"[ \t\n\f\r]+", " ", text).strip(" \t\n\f\r")


def test_a_reason_turns_the_way_that_it_is_written() -> None:
    words = TEMPLATES.words(replace(sample_letter("account_rejected", "en"), facts={
        "name": "", "reason": "החבר Ada צריך לכתוב אל help@example.org.",
    }))  # fmt: skip
    assert re.findall(r'<p class="text quote" dir="auto"', words.html)
    assert "    החבר Ada צריך לכתוב אל help@example.org.\n" in words.text


def test_a_reason_without_a_blank_is_written_in_lines_that_a_server_takes() -> None:
    typed = "我" * PARAGRAPH_CHARACTERS_MAX
    letter = replace(sample_letter("account_rejected", "en"), facts={"name": "", "reason": typed})
    renderer = Renderer(
        sender=Mailbox.parse("Porter <porter@example.org>"), public_url="https://login.example.org"
    )
    for eight_bit in (True, False):
        raw = renderer.render(letter, message_id="<1@example.org>", written_at=AT, eight_bit=eight_bit)
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        assert max(map(len, raw.split(b"\r\n"))) <= LINE_BYTES_MAX
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            assert typed in body.get_content()


def test_a_brand_from_right_to_left_is_kept_apart_as_names_are() -> None:
    templates = Templates(brand=Brand("שער"), public_url="https://login.example.org")
    words = templates.words(sample_letter("invitation", "en"))
    assert words.subject == "Katherine Johnson invites you to \u2068שער\u2069"
    assert words.text.endswith("\n-- \n\u2068שער\u2069, login.example.org\n")
    assert balanced(words.text)
    assert balanced(unescape(words.html))
    assert words.html.count("\u2068שער\u2069") == words.html.count("שער") > 1


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
