"""What became of one mail, as values: the courier answers with exactly one of these."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal


class State(StrEnum):
    """Where a mail stands in the ledger. `sending` and `waiting` are under way, the rest is final."""

    SENDING = "sending"
    WAITING = "waiting"
    SENT = "sent"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    DEAD = "dead"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Sent:
    """The server answered 250 and the ledger has it. Final."""


@dataclass(frozen=True, slots=True)
class AlreadyEnded:
    """The ledger held a final state before this attempt, so nothing was done. Final."""

    state: State


@dataclass(frozen=True, slots=True)
class Expired:
    """Past its time by Postgres' clock; it was not sent, and that is recorded. Final."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Deliberately not sent, and that is recorded. Final.

    `unknown_address`: nobody here has that address, and its mail was never meant to be sent.
    `bounced`: mail to the address came back before.
    """

    reason: Literal["unknown_address", "bounced"]


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Sent or not, nobody knows, and it is tried no more. Final.

    Twice the connection was lost between DATA and its reply; or once, and then the mail's time was over, or
    the one provider to ask was in use no more.
    """


@dataclass(frozen=True, slots=True)
class Rejected:
    """Given up and recorded as `dead`; `reason` is a stable word, `error` repeats no address. Final."""

    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """A passing failure: an attempt was spent and the ledger row is `waiting`.

    `after` is the server's own hint when to come back, bounded to an hour.
    """

    reason: str
    error: str
    after: timedelta | None


@dataclass(frozen=True, slots=True)
class Busy:
    """Another's claim stands. Come back in 5 seconds; no attempt was spent."""


@dataclass(frozen=True, slots=True)
class Held:
    """It must wait, and nothing else need: for the one provider that may try it again, or for a turn there.

    No attempt was spent; the ledger row is `waiting`. Come back `after` so long.
    """

    reason: str
    error: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The provider went away before it could have the mail, and another one is there: come back at once.

    No attempt was spent; the ledger row is `waiting`.
    """

    error: str


@dataclass(frozen=True, slots=True)
class Away:
    """An outage that is not the mail's fault. No attempt was spent.

    The ledger row is `waiting`, provided Postgres could be told.
    """

    part: Literal["smtp", "postgres"]
    error: str


@dataclass(frozen=True, slots=True)
class HandedBack:
    """`begin_data` said no: nothing was sent and no attempt was spent; the ledger row is `waiting`."""


Delivery = (
    Sent
    | AlreadyEnded
    | Expired
    | Suppressed
    | Unconfirmed
    | Rejected
    | Postponed
    | Busy
    | Held
    | PassedOn
    | Away
    | HandedBack
)
