import pytest

from auth_service.model.budgets import strangers_budget
from auth_service.model.rules import Method
from auth_service.model.standings import Standing


@pytest.mark.parametrize("preferred", ["otp", "magic_link", "otp_and_link"])
def test_where_too_much_was_guessed_a_link_is_mailed_whatever_is_preferred(preferred: Method) -> None:
    budget = strangers_budget("ada@example.org", key=b"\x05" * 32)
    assert Standing(user=None, budget=budget, spent=False).method(preferred) == preferred
    assert Standing(user=None, budget=budget, spent=True).method(preferred) == "magic_link"
