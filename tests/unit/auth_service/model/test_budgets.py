import hashlib
from uuid import UUID

from auth_service.model.budgets import device_budget, moving_budget, strangers_budget
from auth_service.model.peppers import Peppers
from auth_service.model.tokens import token_hash

ADA, GRACE = "ada@example.org", "grace@example.org"
LAPTOP, PHONE = token_hash("L" * 43), token_hash("P" * 43)
MOVERS = UUID(int=1), UUID(int=2)
KEY = Peppers([b"\x05" * 32]).budget_key


def test_strangers_share_ten_failures_at_an_address() -> None:
    assert strangers_budget(ADA, key=KEY) == strangers_budget(ADA, key=KEY)
    assert strangers_budget(ADA, key=KEY).limit == 10


def test_a_device_has_thirty_failures_of_its_own() -> None:
    assert device_budget(ADA, device_hash=LAPTOP, key=KEY).limit == 30


def test_an_account_that_moves_has_ten_failures_of_its_own() -> None:
    assert moving_budget(ADA, mover_id=MOVERS[0], key=KEY).limit == 10


def test_no_two_budgets_are_counted_together() -> None:
    budgets = [
        *(strangers_budget(address, key=KEY) for address in (ADA, GRACE)),
        *(
            device_budget(address, device_hash=device, key=KEY)
            for address in (ADA, GRACE)
            for device in (LAPTOP, PHONE)
        ),
        *(moving_budget(address, mover_id=mover, key=KEY) for address in (ADA, GRACE) for mover in MOVERS),
    ]
    assert len({budget.key_hash for budget in budgets}) == len(budgets)


def test_nobody_without_the_pepper_can_try_addresses_on_a_budget() -> None:
    named = strangers_budget(ADA, key=KEY).key_hash
    assert len(named) == 32
    assert named != hashlib.sha256(b"stranger:" + ADA.encode()).digest()
    assert named != strangers_budget(ADA, key=Peppers([b"\x06" * 32]).budget_key).key_hash
    assert named != strangers_budget(ADA, key=b"\x05" * 32).key_hash
