"""The streams that events travel on: key, how long entries stay, when their mail is given up."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Stream:
    """A Redis stream of facts.

    `kept` is longer than any event on it is worth mailing, so trimming takes only what is finished.
    The braces in `key` are a hash tag: every key that belongs to the stream lives in its Cluster slot.
    """

    name: str
    key: str
    kept: timedelta

    @property
    def held_key(self) -> str:
        """Name the key that a mailer keeps, for seconds at a time, while it holds this stream's mail back."""
        return f"{self.key}:mailer:held"


LOGIN: Final = Stream(name="login", key="{auth.login}", kept=timedelta(days=1))
ACCOUNTS: Final = Stream(name="accounts", key="{auth.accounts}", kept=timedelta(days=30))
SESSIONS: Final = Stream(name="sessions", key="{auth.sessions}", kept=timedelta(days=7))

STREAMS: Final = (LOGIN, ACCOUNTS, SESSIONS)

ACCOUNT_MAIL_LIFE: Final = timedelta(hours=24)
"""Mail about an account is given up this long after its fact; login mail carries its own `expirytime`."""
