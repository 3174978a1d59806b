from dataclasses import FrozenInstanceError, fields
from typing import get_args

import pytest

from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater, Split

EXAMPLES = [
    Done(),
    RetryLater("greylisted"),
    DeadLetter("refused", "550"),
    Left("not_begun"),
    Outage("smtp"),
    Split(3),
]


def test_every_ending_has_an_example_here() -> None:
    assert {type(example) for example in EXAMPLES} == set(get_args(Outcome))


@pytest.mark.parametrize("ending", EXAMPLES, ids=lambda ending: type(ending).__name__)
def test_endings_are_values(ending: Outcome) -> None:
    again = type(ending)(**{field.name: getattr(ending, field.name) for field in fields(ending)})
    assert (again, hash(again)) == (ending, hash(ending))
    for field in fields(ending):
        with pytest.raises(FrozenInstanceError):
            setattr(ending, field.name, None)


def test_a_retry_spends_an_attempt_and_waits_as_its_lane_does_unless_told_otherwise() -> None:
    retry = RetryLater("greylisted")
    assert (retry.spends, retry.after) == (True, None)
