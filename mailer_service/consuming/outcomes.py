"""How handling one entry can end. Each ending is settled by one script; no entry is left without one."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Done:
    """The work is finished and on the record: acknowledge."""


@dataclass(frozen=True, slots=True)
class RetryLater:
    """A passing failure: come back after `after`, or after the lane's backoff where it is None.

    `spends` tells whether this try counts against the attempts.
    """

    reason: str
    error: str = ""
    after: timedelta | None = None
    spends: bool = True


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """It cannot succeed: keep it aside with its reason, for a person to look at and replay."""

    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """Not begun, or stopped in time: hand it back at once, as it was."""

    reason: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A part everything needs is away. The entry is handed back, that part's breaker opens."""

    part: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """One event for several recipients: make one entry of each, then they go their own ways."""

    recipients: int


Outcome = Done | RetryLater | DeadLetter | Left | Outage | Split
