"""The two forms of every scenario: short, with shortened waits, and long, with the mailer's own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Form:
    """Sizes and waits of a form; times in seconds."""

    name: str
    silent_after: float
    """How long a mailer is silent before others take it for dead."""
    backoff: tuple[float, ...]
    """Floors of the waits after each failed attempt, login and account mail alike."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Shortened waits, as the mailer's settings."""
    timeout: float
    """How long one test may take."""
    share: float = 1.0
    """How much of a scenario's full size is run where the full one would take minutes."""

    def scaled(self, full: int) -> int:
        """Scale a scenario's full size."""
        return round(full * self.share)

    def pick(self, *, short: float, long: float) -> float:
        """Choose a number by the form."""
        return long if self.name == "long" else short

    @property
    def recovery(self) -> float:
        """When a killed mailer's entries are done, by the design: 15 s where silence is 10 s."""
        return 1.5 * self.silent_after


SHORT: Final = Form(
    name="short",
    silent_after=3.0,
    backoff=(0.5, 1.0),
    environment={
        "MAILER_SILENT_AFTER": "3",
        "MAILER_BACKOFF_LOGIN": "0.5,1",
        "MAILER_BACKOFF_ACCOUNTS": "0.5,1",
        "MAILER_SEND_DEADLINE": "8",
        "MAILER_CLAIM_STALE_AFTER": "15",
    },
    timeout=120,
    share=0.1,
)

LONG: Final = Form(
    name="long",
    silent_after=10.0,
    backoff=(5.0, 90.0),
    environment={"MAILER_BACKOFF_ACCOUNTS": "5,90"},
    timeout=900,
)

FORM: Final = LONG if os.environ.get("PORTER_CHAOS") == "long" else SHORT
