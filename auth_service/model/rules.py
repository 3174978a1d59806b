"""What an operator may decide about signing in."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRules:
    """The settings that flows go by, free of where they were read."""

    code_digits: int = 6
    code_life: timedelta = timedelta(minutes=10)
    session_idle: timedelta = timedelta(days=7)
    session_life: timedelta = timedelta(days=30)
    approval_required: bool = True
