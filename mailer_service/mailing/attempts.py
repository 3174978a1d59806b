"""One try at one mail, as whoever has its stream entry in hand describes it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from contracts import streams
from contracts.events import AnyEvent


class Reopen(Enum):
    """Which final states this attempt may open again: none, unless an operator replays the letter."""

    NOTHING = auto()
    DEAD = auto()
    """A replayed letter: what was given up is tried again."""
    EXPIRED = auto()
    """A forced replay: what expired is sent too, late as it is."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the courier must know of the entry, and the one question it asks back.

    `owner` is the consumer that has the entry in hand, `number` is 1 for the first try, and `last` says
    that a passing failure now is the end. `taken_from` names the consumers that the entry was reclaimed
    from: their claims in the ledger count no more. `may_begin`, which commits to nothing, is asked before
    DATA is said, be it together with MAIL, and `begin_data` immediately before the content. Where either
    answers False (the consumer may have been declared dead meanwhile) nothing of the mail is written.
    """

    owner: str
    number: int
    last: bool
    taken_from: tuple[str, ...]
    reopen: Reopen
    may_begin: Callable[[], bool]
    begin_data: Callable[[], bool]


@dataclass(slots=True)
class Errand:
    """One try at one of an event's mails, and whether the point of no return is behind."""

    event: AnyEvent
    position: int
    attempt: Attempt
    begun: bool = False

    @property
    def is_urgent(self) -> bool:
        """Whether somebody is waiting for it in front of a page."""
        return self.event.stream is streams.LOGIN

    def begin_data(self) -> bool:
        """Ask the attempt for leave, and remember when it was given."""
        leave = self.attempt.begin_data()
        self.begun = self.begun or leave
        return leave
