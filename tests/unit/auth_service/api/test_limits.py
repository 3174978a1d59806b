import pytest

from auth_service.api.limits import TOO_MUCH, in_words
from auth_service.memory.policies import LoginPolicies


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "60 seconds"),
        (61, "2 minutes"),
        (300, "5 minutes"),
        (3600, "60 minutes"),
        (3601, "2 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_wait_is_told_in_words_and_never_shorter_than_it_is(seconds: int, told: str) -> None:
    assert in_words(seconds) == told


def test_every_limit_has_words_of_its_own() -> None:
    assert TOO_MUCH.keys() == LoginPolicies.__dataclass_fields__.keys()
    assert len(set(TOO_MUCH.values())) == len(TOO_MUCH)
