from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.wording import (
    PARAGRAPH_CHARACTERS_MAX,
    clock,
    day_and_clock,
    in_words,
    one_paragraph,
)


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
