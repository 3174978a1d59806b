"""What an SMTP server can do wrong, and plans that say when it does."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class Phase(Enum):
    """Where in the dialogue the server is about to answer."""

    CONNECT = auto()
    EHLO = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    """The DATA command; a healthy server answers 354."""
    CONTENT = auto()
    """The mail has been read to its final dot; a healthy server answers 250."""
    RSET = auto()
    REFUSED_DATA = auto()
    """DATA although MAIL or RCPT was refused; a healthy server refuses it, any reply here is a 354."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of the healthy answer; each part alone or together, in this order.

    `delay` seconds pass, the connection is dropped (`drop_before`), nothing more is ever said (`silent`),
    `reply` is written (None: the healthy one) a byte each `byte_every` seconds, the connection is dropped
    (`drop_after`). Content counts as accepted when its reply, spoken or not, begins with a 2: so
    `Fault(drop_before=True)` at CONTENT accepts a mail and never says so.
    """

    reply: str | None = None
    delay: float = 0.0
    drop_before: bool = False
    silent: bool = False
    byte_every: float = 0.0
    drop_after: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan decides upon. `seen` counts RCPTs of this recipient, the present one included.

    Before RCPT there is no recipient, and `seen` counts how often this phase was reached at all.
    """

    phase: Phase
    recipient: str
    seen: int


Plan = Callable[[Asked], Fault | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault at a phase: for one recipient or all, each time or only the `first` times it is seen."""

    phase: Phase
    fault: Fault
    recipient: str | None = None
    first: int | None = None

    def fits(self, asked: Asked) -> bool:
        """Tell whether this rule speaks about what is asked."""
        return (
            asked.phase is self.phase
            and (self.recipient is None or asked.recipient == self.recipient)
            and (self.first is None or asked.seen <= self.first)
        )


def rules(*given: Rule) -> Plan:
    """Plan by rules: the first that fits decides."""

    def plan(asked: Asked) -> Fault | None:
        return next((rule.fault for rule in given if rule.fits(asked)), None)

    return plan


def healthy(_: Asked) -> Fault | None:
    """Plan no fault at all."""
    return None
