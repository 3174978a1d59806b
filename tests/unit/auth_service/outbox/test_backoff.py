from hypothesis import given
from hypothesis import strategies as st

from auth_service.outbox.backoff import BASE_SECONDS, CAP_SECONDS, backoff

CHANCE = st.floats(min_value=0, max_value=1)


def test_the_first_wait_is_short_and_each_further_one_twice_as_long() -> None:
    assert [backoff(failures, chance=1) for failures in (1, 2, 3, 4)] == [0.05, 0.1, 0.2, 0.4]


def test_chance_spreads_the_upper_half() -> None:
    assert (backoff(1, chance=0), backoff(1, chance=1)) == (BASE_SECONDS / 2, BASE_SECONDS)


@given(st.integers(min_value=1, max_value=10**9), CHANCE)
def test_no_wait_is_longer_than_the_cap_nor_shorter_than_half_the_base(failures: int, chance: float) -> None:
    assert BASE_SECONDS / 2 <= backoff(failures, chance=chance) <= CAP_SECONDS
