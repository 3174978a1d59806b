import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.consuming.entries import (
    ATTEMPT,
    CRASHES,
    DEATHS,
    FIRST,
    NOTES,
    RECIPIENT,
    REPLAYED,
    TAKEN_FROM,
    Entry,
    InHand,
)

garbage = st.one_of(
    st.binary(),
    st.sampled_from(
        [b"", b"-1", b"+1", b" 1", b"1 ", b"1.5", b"\xc2\xb2", "٣".encode(), b"nan", b"9" * 5000, b"1_0"]
    ),
)


def entry(**notes: bytes) -> Entry:
    return Entry("key", "1700000000000-3", {name.encode(): value for name, value in notes.items()})


def test_an_entry_without_notes_is_at_its_beginning() -> None:
    fresh = entry()
    assert (fresh.attempt, fresh.crashes, fresh.deaths, fresh.recipient) == (1, 0, 0, None)
    assert (fresh.taken_from, fresh.replayed, fresh.first_ms) == ((), "", 1_700_000_000_000)


def test_notes_are_read() -> None:
    noted = Entry(
        "key",
        "1700000000000-3",
        {
            ATTEMPT: b"2",
            CRASHES: b"1",
            DEATHS: b"4",
            RECIPIENT: b"0",
            TAKEN_FROM: b"ada,bob",
            FIRST: b"1600000000000",
            REPLAYED: b"forced",
        },
    )
    assert (noted.attempt, noted.crashes, noted.deaths, noted.recipient) == (2, 1, 4, 0)
    assert (noted.taken_from, noted.replayed, noted.first_ms) == (("ada", "bob"), "forced", 1_600_000_000_000)


@given(st.dictionaries(st.sampled_from(sorted(NOTES)), garbage))
def test_garbage_never_raises(notes: dict[bytes, bytes]) -> None:
    read = Entry("key", "1700000000000-3", notes)
    assert read.attempt >= 1
    assert min(read.crashes, read.deaths, read.first_ms, read.recipient or 0) >= 0
    assert all(read.taken_from)
    assert isinstance(read.replayed, str)


@pytest.mark.parametrize("value", [b"", b"-1", b"two", b"1.5", b"\xff", b"\xc2\xb2", b"9" * 5000])
def test_what_is_no_number_reads_as_the_beginning(value: bytes) -> None:
    read = entry(attempt=value, crashes=value, deaths=value, first=value)
    assert (read.attempt, read.crashes, read.deaths, read.first_ms) == (1, 0, 0, 1_700_000_000_000)


def test_a_zeroth_attempt_is_the_first() -> None:
    assert entry(attempt=b"0").attempt == 1


def test_a_recipient_that_is_no_number_is_the_first_one() -> None:
    assert entry(recipient=b"everyone").recipient == 0


def test_text_is_read_whatever_bytes_it_has() -> None:
    assert entry(error=b"d\xe9").text(b"error") == "d\ufffd"
    assert entry().text(b"error") == ""


def test_notes_are_written_over_the_fields_and_leave_the_entry_as_it_is() -> None:
    before = entry(attempt=b"1", data=b"{}")
    assert before.noted({ATTEMPT: 2, FIRST: 7}) == {b"attempt": b"2", b"data": b"{}", b"first": b"7"}
    assert before.attempt == 1


def test_the_same_entry_twice_in_hand_is_two_things() -> None:
    one = entry()
    assert InHand(one, asked_at=0) != InHand(one, asked_at=0)
