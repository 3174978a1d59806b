"""How someone stands who asks for a challenge: who has the address, and what is left to guess there."""

from dataclasses import dataclass

from auth_service.model.budgets import Budget
from auth_service.model.rules import Method
from auth_service.model.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one look finds. `user` is None where nobody has the address; strangers have a budget there too."""

    user: User | None
    budget: Budget
    spent: bool

    def method(self, preferred: Method) -> Method:
        """Choose what to mail: a link alone where too many wrong codes were given, which locks nobody out."""
        return "magic_link" if self.spent else preferred
