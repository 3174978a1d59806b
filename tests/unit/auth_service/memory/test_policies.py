from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.memory.policies import COUNT_MAX, SECONDS_MAX, Policy, origin, parse_policy


@given(count=st.integers(1, COUNT_MAX), seconds=st.integers(1, SECONDS_MAX))
def test_a_limit_is_written_as_count_and_seconds(count: int, seconds: int) -> None:
    policy = parse_policy("codes", f"{count}/{seconds}")

    assert policy == Policy("codes", count, timedelta(seconds=seconds))
    assert policy.per_ms == seconds * 1000


def test_a_limit_may_be_off() -> None:
    assert parse_policy("codes", "off") is None


@pytest.mark.parametrize(
    ("written", "lack"),
    [
        ("", "neither"),
        ("5", "neither"),
        ("5/", "neither"),
        ("/300", "neither"),
        ("5 / 300", "neither"),
        ("5/300s", "neither"),
        ("-5/300", "neither"),
        ("five/300", "neither"),
        ("OFF", "neither"),
        ("\u0665/300", "neither"),
        ("5/300\n", "neither"),
        ("0/300", "count from 1"),
        ("1001/300", "count from 1"),
        ("5/0", "seconds from 1"),
        ("5/86401", "seconds from 1"),
    ],
)
def test_anything_else_is_refused(written: str, lack: str) -> None:
    with pytest.raises(ValueError, match=lack):
        parse_policy("codes", written)


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        (None, "nowhere"),
    ],
)
def test_an_ipv6_household_counts_as_one_and_so_does_nowhere(address: str | None, counts_as: str) -> None:
    assert origin(address) == counts_as
