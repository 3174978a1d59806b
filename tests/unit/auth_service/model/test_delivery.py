from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model.delivery import LATE_AFTER, Delivery, delivery

AGES = st.lists(st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=1)), max_size=4)


@pytest.mark.parametrize(
    ("held", "seconds", "told"),
    [
        (False, [], "on_its_way"),
        (False, [0.0, 15.0], "on_its_way"),
        (False, [0.0, 15.1], "delayed"),
        (True, [], "delayed"),
    ],
)
def test_mail_is_late_when_it_is_held_or_waits_for_long(
    held: bool,  # noqa: FBT001 - cases
    seconds: list[float],
    told: Delivery,
) -> None:
    assert delivery(held=held, waiting=[timedelta(seconds=each) for each in seconds]) == told


@given(ages=AGES, more=AGES)
def test_what_waits_besides_never_makes_late_mail_punctual(
    ages: list[timedelta], more: list[timedelta]
) -> None:
    if delivery(held=False, waiting=ages) == "delayed":
        assert delivery(held=False, waiting=ages + more) == "delayed"
    assert delivery(held=False, waiting=ages) == delivery(held=False, waiting=[max(ages, default=LATE_AFTER)])
