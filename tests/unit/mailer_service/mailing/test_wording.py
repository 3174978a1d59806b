from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.names import can_be_seen
from mailer_service.mailing.wording import (
    PARAGRAPH_CHARACTERS_MAX,
    Fact,
    clock,
    day_and_clock,
    in_words,
    one_paragraph,
    worded,
)
from tests.support.nasty_words import typed_reasons


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "10 minutes"), (60, "1 minute"), (3600, "1 hour"), (7200, "2 hours"), (90, "90 seconds"),
     (5400, "90 minutes"), (1, "1 second"), (0, "0 seconds"), (-5, "0 seconds"), (599.6, "10 minutes")],
)  # fmt: skip
def test_a_duration_is_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds), "en") == words


def test_a_moment_is_said_in_utc() -> None:
    assert clock(datetime(2026, 3, 1, 14, 5, 59, tzinfo=UTC), "en") == "14:05 UTC"


def test_a_day_is_the_one_that_it_is_in_utc() -> None:
    in_tokyo = datetime(2026, 3, 1, 2, 5, 59, tzinfo=timezone(timedelta(hours=9)))

    assert day_and_clock(in_tokyo, "en") == "February 28, 2026, 17:05 UTC"


def test_what_someone_typed_in_several_lines_is_one_paragraph() -> None:
    typed = "Members only.\r\n\r\n-- \nPorter\u2028Bcc: eve@example.org\x1b[2J"

    assert one_paragraph(typed) == "Members only. -- Porter Bcc: eve@example.org[2J"


@given(st.text(max_size=2000))
def test_a_paragraph_is_one_printable_line_that_ends(typed: str) -> None:
    paragraph = one_paragraph(typed)

    assert len(paragraph) <= PARAGRAPH_CHARACTERS_MAX
    assert paragraph.splitlines() in ([], [paragraph])


@pytest.mark.parametrize(
    ("language", "one", "many", "moment"),
    [
        ("en", "1 minute", "10 minutes", "March 1, 2026, 14:05 UTC"),
        ("de", "1 Minute", "10 Minuten", "1. März 2026, 14:05 UTC"),
        ("pt_BR", "1 minuto", "10 minutos", "1 de março de 2026, 14:05 UTC"),
    ],
)
def test_each_language_has_its_plurals_and_dates(language: str, one: str, many: str, moment: str) -> None:
    at = datetime(2026, 3, 1, 14, 5, 59, tzinfo=UTC)
    facts: dict[str, Fact] = {
        "one": timedelta(minutes=1),
        "many": timedelta(minutes=10),
        "at": at,
        "valid_until": at,
    }

    assert worded(facts, language) == {"one": one, "many": many, "at": moment, "valid_until": "14:05 UTC"}


def test_a_code_is_also_said_digit_by_digit() -> None:
    assert worded({"code": "048150"}, "en") == {"code": "048150", "code_spoken": "0 4 8 1 5 0"}


def test_a_reason_is_quoted_in_indented_lines_that_end() -> None:
    lines = worded({"reason": "No, " * 60}, "en")["reason"].splitlines()

    assert len(lines) > 3
    assert all(line.startswith("    ") and len(line) <= 74 for line in lines)
    assert worded({"reason": ""}, "en") == {"reason": ""}


@pytest.mark.parametrize(
    "whole",
    [
        "https://wiki.example.org/choir/members/how-to-become-a-member-of-our-choir?lang=en#section-4",
        "anne-marie.mueller-luedenscheidt-of-the-vice-presidents-office@choir.example",
        "我们不能批准您的注册" * 12,
        "👩\u200d👩\u200d👧\u200d👦" * 40,
        "W" * PARAGRAPH_CHARACTERS_MAX,
    ],
)
def test_what_has_no_blank_in_it_is_not_cut(whole: str) -> None:
    lines = worded({"reason": f"Read {whole} first"}, "en")["reason"].splitlines()

    assert whole in {line.strip() for line in lines}


@given(typed_reasons())
@example("write to the vice-president of the choir, and after-" + "wards " * 20)
def test_a_quoted_reason_reads_as_it_was_typed(typed: str) -> None:
    paragraph = one_paragraph(typed)
    lines = worded({"reason": paragraph}, "en")["reason"].splitlines()

    assert " ".join(line.removeprefix("    ") for line in lines) == (
        paragraph if can_be_seen(paragraph) else ""
    )


@pytest.mark.parametrize("unseen", ["", " ", "\u3164", "\u200d", "\u0301", "\u2800", " \u200c\u3000"])
@pytest.mark.parametrize("fact", ["name", "newcomer_name", "invited_by", "device", "reason"])
def test_what_cannot_be_seen_is_empty(fact: str, unseen: str) -> None:
    assert worded({fact: unseen}, "en") == {fact: ""}


def test_only_what_is_written_from_right_to_left_is_set_apart() -> None:
    words = worded({"hebrew": "עדה", "mixed": "Ada (عادة)", "latin": "Łukasz ♪ 5", "han": "李"}, "en")

    assert words == {
        "hebrew": "\u2068עדה\u2069",
        "mixed": "\u2068Ada (عادة)\u2069",
        "latin": "Łukasz ♪ 5",
        "han": "李",
    }


@given(st.text(max_size=300))
def test_whatever_a_fact_it_is_one_line_in_which_nothing_turns_what_follows(typed: str) -> None:
    said = worded({"name": typed}, "en")["name"]

    assert said.splitlines() in ([], [said])
    assert said.count("\u2068") == said.count("\u2069") <= 1
    bare = said.removeprefix("\u2068").removesuffix("\u2069")
    assert bare.replace("\u200c", "").replace("\u200d", "").replace("\u3000", "").isprintable()
