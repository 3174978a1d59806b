from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from auth_service.outbox.comparing import Comparison, Entry
from auth_service.outbox.remembered import TRIM_SLACK, is_forgetful
from auth_service.outbox.second_look import COMPARED, ROWS_KEPT
from contracts.streams import ACCOUNTS, LOGIN, SESSIONS, STREAMS, Stream

NOW = timedelta(seconds=1_772_000_000)
STREAM = st.sampled_from(STREAMS)


def _entry(age: timedelta) -> Entry:
    return Entry(f"{int((NOW - age) / timedelta(milliseconds=1))}-0", "event")


def _gone(*ages: timedelta) -> Comparison:
    return Comparison(newest=None, gone=tuple(_entry(age) for age in ages))


def test_an_entry_tells_when_it_was_written() -> None:
    assert Entry("1772000000123-7", "event").written_at == timedelta(seconds=1_772_000_000.123)


def test_a_stream_of_which_nothing_is_gone_forgot_nothing() -> None:
    assert not is_forgetful(LOGIN, _gone(), redis_time=NOW)


@given(STREAM, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=23)))
def test_a_young_entry_that_is_gone_is_a_loss(stream: Stream, age: timedelta) -> None:
    assert is_forgetful(stream, _gone(age), redis_time=NOW)


@given(STREAM, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=90)))
def test_what_trimming_may_have_taken_is_no_loss(stream: Stream, beyond: timedelta) -> None:
    age = stream.kept - TRIM_SLACK + timedelta(milliseconds=1) + beyond
    assert not is_forgetful(stream, _gone(age), redis_time=NOW)


def test_one_young_entry_among_trimmed_ones_is_a_loss() -> None:
    assert is_forgetful(LOGIN, _gone(timedelta(days=2), timedelta(hours=1)), redis_time=NOW)


def test_rows_are_compared_for_a_day_but_no_longer_than_their_stream_surely_keeps_them() -> None:
    assert {
        LOGIN.name: timedelta(hours=23, minutes=55),
        ACCOUNTS.name: timedelta(days=1),
        SESSIONS.name: timedelta(days=1),
    } == COMPARED
    assert max(COMPARED.values()) == ROWS_KEPT
