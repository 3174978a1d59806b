"""A send rate is read from its setting, or refused."""

from datetime import timedelta

import pytest

from mailer_service.mailing.rates import Rate


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("off", None),
        ("14/1", Rate(14, timedelta(seconds=1))),
        ("100000/86400", Rate(100_000, timedelta(days=1))),
    ],
)
def test_a_rate_is_read(written: str, rate: Rate | None) -> None:
    assert Rate.parse(written) == rate


@pytest.mark.parametrize("written", ["", "14", "0/1", "14/0", "-1/1", "1/86401", "100001/1", "1.5/1", "OFF"])
def test_what_is_no_rate_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="count"):
        Rate.parse(written)
