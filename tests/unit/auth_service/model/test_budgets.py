from auth_service.model.budgets import device_budget, strangers_budget
from auth_service.model.tokens import token_hash

ADA, GRACE = "ada@example.org", "grace@example.org"
LAPTOP, PHONE = token_hash("L" * 43), token_hash("P" * 43)


def test_strangers_share_ten_failures_at_an_address() -> None:
    assert strangers_budget(ADA) == strangers_budget(ADA)
    assert strangers_budget(ADA).limit == 10


def test_a_device_has_thirty_failures_of_its_own() -> None:
    assert device_budget(ADA, device_hash=LAPTOP).limit == 30


def test_no_two_budgets_are_counted_together() -> None:
    budgets = [
        *(strangers_budget(address) for address in (ADA, GRACE)),
        *(
            device_budget(address, device_hash=device)
            for address in (ADA, GRACE)
            for device in (LAPTOP, PHONE)
        ),
    ]
    assert len({budget.key_hash for budget in budgets}) == len(budgets)


def test_a_budget_tells_no_address() -> None:
    assert b"ada" not in strangers_budget(ADA).key_hash
    assert len(strangers_budget(ADA).key_hash) == 32
