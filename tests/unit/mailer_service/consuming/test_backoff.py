from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.consuming.backoff import ACCOUNTS_BACKOFF, LOGIN_BACKOFF, Backoff, reconnect_delay

waits = st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=24))
chances = st.floats(min_value=0, max_value=1, exclude_max=True)
backoffs = st.builds(
    Backoff,
    floors=st.lists(waits, min_size=1, max_size=6).map(sorted).map(tuple),
    jitter=st.floats(min_value=0, max_value=1),
)
attempts = st.integers(min_value=1, max_value=20)


@given(backoffs, attempts, chances)
def test_a_wait_is_at_least_its_floor_and_at_most_its_jitter_above(
    backoff: Backoff, attempt: int, chance: float
) -> None:
    floor = backoff.floors[min(attempt, len(backoff.floors)) - 1]
    wait = backoff.after(attempt, chance=chance)
    assert floor <= wait <= floor * (1 + backoff.jitter) + timedelta(microseconds=1)


@given(backoffs, attempts, waits, chances)
def test_a_servers_hint_wins_over_the_floor_down_to_a_quarter_of_it(
    backoff: Backoff, attempt: int, hint: timedelta, chance: float
) -> None:
    wait = backoff.after(attempt, chance=chance, hint=hint)
    least = max(hint, backoff.after(attempt, chance=0) / 4)
    assert least <= wait <= least * (1 + backoff.jitter) + timedelta(microseconds=2)


def test_hints_of_a_second_do_not_spend_all_attempts_in_seconds() -> None:
    second = timedelta(seconds=1)
    login, accounts = (
        [backoff.after(attempt, chance=0, hint=second).total_seconds() for attempt in (1, 2)]
        for backoff in (LOGIN_BACKOFF, ACCOUNTS_BACKOFF)
    )
    assert (login, accounts) == ([1.25, 22.5], [15, 225])
    greylisted = timedelta(minutes=5)
    assert ACCOUNTS_BACKOFF.after(2, chance=0, hint=greylisted) == greylisted


@given(backoffs, attempts, chances)
def test_a_later_attempt_never_waits_less(backoff: Backoff, attempt: int, chance: float) -> None:
    assert backoff.after(attempt, chance=chance) <= backoff.after(attempt + 1, chance=chance)


@given(backoffs, attempts, chances, chances)
def test_more_chance_never_waits_less(backoff: Backoff, attempt: int, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert backoff.after(attempt, chance=less) <= backoff.after(attempt, chance=more)


@pytest.mark.parametrize(
    ("backoff", "floors"),
    [(LOGIN_BACKOFF, (5, 90, 90, 90)), (ACCOUNTS_BACKOFF, (60, 900, 900, 900))],
)
def test_the_lanes_have_their_floors(backoff: Backoff, floors: tuple[int, ...]) -> None:
    assert tuple(backoff.after(n, chance=0).total_seconds() for n in (1, 2, 3, 9)) == floors


@given(chances)
def test_the_first_try_at_redis_comes_within_250_ms(chance: float) -> None:
    assert 0 < reconnect_delay(1, chance=chance) < 0.25


@given(st.integers(min_value=1, max_value=10_000), chances)
def test_no_try_at_redis_waits_longer_than_2_s(failures: int, chance: float) -> None:
    delay = reconnect_delay(failures, chance=chance)
    assert 0.1 <= delay <= 2
    assert delay <= reconnect_delay(failures + 1, chance=chance)
