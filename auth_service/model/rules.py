"""What an operator may decide about signing in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Method = Literal["otp", "magic_link", "otp_and_link"]
"""How people prove that they read an address's mail: by a code, by a link, or by either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRules:
    """The settings that flows go by, free of where they were read.

    `link_page` is where links lead; a link's token follows it as the fragment, which no server sees.
    Newcomers at `approved_domains` (A-labels, lower-cased) need no approval.
    """

    method: Method = "otp"
    link_page: str = "http://localhost:8000/login/link"
    resend_cooldown: timedelta = timedelta(seconds=60)
    approved_domains: frozenset[str] = frozenset()

    code_digits: int = 6
    code_life: timedelta = timedelta(minutes=10)
    session_idle: timedelta = timedelta(days=7)
    session_life: timedelta = timedelta(days=30)
    approval_required: bool = True
