"""What mails say, as text and as HTML, in each language."""

import re
from dataclasses import replace
from html import unescape

import pytest
from tinyhtml5.parser import HTMLParser as StrictParser

from mailer_service.mailing.boxes import open_box
from mailer_service.mailing.brand import Brand
from mailer_service.mailing.languages import LANGUAGES
from mailer_service.mailing.letters import Letter
from mailer_service.mailing.samples import CODE, LINK, SAMPLED, bare_letter, sample_letter
from mailer_service.mailing.templates import Templates, Words
from tests.support.couriers import SEALER
from tests.support.golden_mails import EVERY, TEMPLATES
from tests.support.mail_reader import Paragraphs, Reader
from tests.support.mailed_events import MAILED

BYTES_OF_A_LINE_MAX = 998
CODES = {"otp_code", "otp_and_link", "address_change_code"}
LINKS = re.compile(r"https?://[^\s\"<>]+")


def seen(words: Words) -> str:
    return " ".join(Reader(words.html).text.split())


def preheader(words: Words) -> str:
    (found,) = re.findall(r"(?s)<div style=\"display: none[^>]*>(.*?)&#8199;", words.html)
    return " ".join(unescape(found).split())


@pytest.fixture(params=EVERY, ids=".".join)
def letter(request: pytest.FixtureRequest) -> Letter:
    return sample_letter(*request.param)


def test_html_has_no_parse_error(letter: Letter) -> None:
    for written in (letter, bare_letter(letter.template, letter.locale)):
        parser = StrictParser()
        parser.parse(TEMPLATES.words(written).html)
        assert parser.errors == []


def test_the_html_check_finds_what_is_wrong() -> None:
    parser = StrictParser()
    parser.parse("<!DOCTYPE html><title>x</title><p><table></p>")
    assert parser.errors


def test_each_link_and_code_is_in_text_and_in_html(letter: Letter) -> None:
    words = TEMPLATES.words(letter)
    reader = Reader(words.html)
    assert set(LINKS.findall(words.text)) == set(reader.links)
    assert (CODE in words.text.split()) == (CODE in seen(words).split()) == (letter.template in CODES)
    assert (LINK in reader.links) == ("link" in letter.facts)


def test_html_loads_nothing(letter: Letter) -> None:
    words = TEMPLATES.words(letter)
    assert Reader(words.html).sources == []
    assert "url(" not in words.html
    assert not re.search(r"<(img|link|script|iframe|object|video)\b", words.html)


def test_text_and_html_say_the_same(letter: Letter) -> None:
    """Each paragraph of the text stands in the HTML, but for what HTML has as a button or a table."""
    words = TEMPLATES.words(letter)
    shown = seen(words)
    letter_part, _, _ = words.text.partition("\n-- \n")
    for paragraph in letter_part.split("\n\n"):
        if " ".join(paragraph.split()) not in shown:
            for line in paragraph.splitlines():
                assert LINKS.fullmatch(line) or all(part in shown for part in line.split(": ", 1))


def test_html_says_nothing_that_the_text_does_not(letter: Letter) -> None:
    for written in (letter, bare_letter(letter.template, letter.locale)):
        assert said_in_html_alone(TEMPLATES.words(written)) == []


def test_what_html_alone_says_is_found() -> None:
    words = TEMPLATES.words(sample_letter("otp_code", "en"))
    for more in ("<p>Reply with the code, or lose your account.</p>", "And see https://evil.example, too."):
        html = words.html.replace(f">{CODE}</p>", f">{CODE}</p>{more}")
        assert len(said_in_html_alone(replace(words, html=html))) == 1


def said_in_html_alone(words: Words) -> list[str]:
    """Give the HTML's paragraphs that the text lacks.

    A heading says less than subject and letter do, buttons are links in the text, and what is beneath one is
    that link again. A table's value stands in a line of the text with its label.
    The footer is compared alone.
    """
    text = " ".join(words.text.split())
    *letter, _ = ((set(where.split()), said) for where, said in Paragraphs(words.html))
    labels = [f"{said}: " for where, said in letter if "label" in where]
    values = [said for where, said in letter if "value" in where]
    rows = [label + value for label, value in zip(labels, values, strict=True)]
    beneath = [said for where, said in letter if where == {"p", "quiet"} and LINKS.search(said)]
    assert [LINKS.sub("", said)[-2:] for said in beneath] in ([], [": "])
    apart = {"h1", "button", "label", "value"}
    told = [said for where, said in letter if not apart & where and said not in beneath]
    assert len(told) > 1
    return [said for said in told + rows if said not in text]


def test_the_footers_say_the_same(letter: Letter) -> None:
    words = TEMPLATES.words(letter)
    _, footer = list(Paragraphs(words.html))[-1]
    _, _, signature = words.text.partition("\n-- \n")
    assert footer.replace(" \u00b7 ", ", ") == " ".join(signature.split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", sorted(CODES))
def test_a_code_can_be_read_before_the_mail_is_opened(mail: str, language: str) -> None:
    words = TEMPLATES.words(sample_letter(mail, language))
    assert words.subject.startswith(f"{CODE} ")
    assert preheader(words).startswith(f"{CODE} ")


def test_every_preheader_says_more_than_the_subject(letter: Letter) -> None:
    words = TEMPLATES.words(letter)
    assert preheader(words)
    assert preheader(words) != words.subject


@pytest.mark.parametrize("mail", sorted(CODES))
def test_a_code_is_copied_without_blanks_and_heard_digit_by_digit(mail: str) -> None:
    html = TEMPLATES.words(sample_letter(mail, "en")).html
    (attributes, content) = re.findall(r'(?s)<p class="code"([^>]*)>(.*?)</p>', html)[0]
    assert content == CODE
    assert 'aria-label="4 8 1 5 0 2"' in attributes


@pytest.mark.parametrize(
    ("locale", "greeting"),
    [("en", "Hello"), ("de", "Guten Tag"), ("de_AT", "Guten Tag"), ("de-CH", "Guten Tag"),
     ("pt_BR", "Olá"), ("pt", "Olá"), ("pt_PT", "Olá"), ("fr", "Hello"), ("", "Hello"), ("x" * 300, "Hello")],
)  # fmt: skip
def test_a_mail_is_in_the_language_nearest_to_its_readers(locale: str, greeting: str) -> None:
    words = TEMPLATES.words(replace(sample_letter("account_approved", "en"), locale=locale))
    assert words.text.startswith(greeting)


@pytest.mark.parametrize(
    ("language", "lang", "life", "moment"),
    [
        ("en", "en", "10 minutes", "March 1, 2026, 14:05 UTC"),
        ("de", "de", "10 Minuten", "1. März 2026, 14:05 UTC"),
        ("pt_BR", "pt-BR", "10 minutos", "1 de março de 2026, 14:05 UTC"),
    ],
)
def test_durations_and_dates_are_in_the_readers_language(
    language: str, lang: str, life: str, moment: str
) -> None:
    words = TEMPLATES.words(sample_letter("otp_code", language))
    assert f'<html lang="{lang}" dir="ltr">' in words.html
    assert life in " ".join(words.text.split())
    assert moment in TEMPLATES.words(sample_letter("new_sign_in", language)).text


def test_a_sample_has_the_facts_of_the_mail_that_an_event_asks_for() -> None:
    assert set(SAMPLED) == set(TEMPLATES.mails) == set(MAILED)
    for mail, make in MAILED.items():
        assert sample_letter(mail, "en").facts.keys() == open_box(make(), sealer=SEALER).facts.keys() | {
            "name"
        }


def test_lines_of_text_are_short_unless_a_link_is_in_them(letter: Letter) -> None:
    lines = TEMPLATES.words(letter).text.splitlines()
    assert [line for line in lines if len(line) > 78 and not LINKS.search(line)] == []


def test_no_line_is_longer_than_a_server_takes(letter: Letter) -> None:
    for longest in ("\N{SLIGHTLY SMILING FACE}" * 120, '"' * 120, "ש" * 120):
        facts = {
            name: longest if isinstance(fact, str) and name not in {"code", "link"} else fact
            for name, fact in letter.facts.items()
        }
        words = TEMPLATES.words(replace(letter, facts=facts))
        for line in (*words.text.splitlines(), *words.html.splitlines()):
            assert len(line.encode()) <= BYTES_OF_A_LINE_MAX


def test_without_a_support_address_the_people_who_run_it_are_to_be_asked() -> None:
    templates = Templates(brand=Brand("Choir"), public_url="https://login.example.org")
    words = templates.words(sample_letter("account_rejected", "en"))
    assert "ask the people who run Choir" in " ".join(words.text.split())
    assert words.text.endswith("\n-- \nChoir, login.example.org\n")
    assert "Questions?" not in words.text + words.html


def test_a_brand_is_shown_by_its_name_colour_and_heading() -> None:
    brand = Brand("Choir & Co", color="#7a1f3d", logo="♪ Choir", support="help@example.org")
    words = Templates(brand=brand, public_url="https://login.example.org").words(
        sample_letter("account_approved", "en")
    )
    assert words.subject == "Your Choir & Co account is ready"
    assert "Choir & Co" in words.text
    assert "Choir &amp; Co" in words.html
    assert "&amp;amp;" not in words.html
    assert "♪ Choir" in words.html
    assert "background-color: #7a1f3d" in words.html
    assert words.text.endswith("Questions? Write to help@example.org\n")


def test_a_service_that_is_called_by_its_host_is_so_once() -> None:
    templates = Templates(brand=Brand("login.example.org"), public_url="https://login.example.org")
    words = templates.words(sample_letter("otp_code", "en"))
    assert words.text.endswith("\n-- \nlogin.example.org\n")


def test_a_notice_leads_to_those_who_wait_an_approval_to_the_door_and_a_sign_in_to_the_account() -> None:
    def led(mail: str) -> list[str]:
        return LINKS.findall(TEMPLATES.words(sample_letter(mail, "de")).text)

    assert led("registration_notice") == ["https://login.example.org/admin#pending"]
    assert led("account_approved") == led("invitation") == ["https://login.example.org/login"]
    assert led("new_sign_in") == ["https://login.example.org/account"]
    assert led("magic_link") == [LINK]
