"""A plain model of a lane: where each entry is and what is noted on it, without Redis."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from mailer_service.consuming.lanes import Lane


class Idle(Enum):
    """For how long an entry has been in its holder's hands."""

    FRESH = 0
    SILENT = 1
    """As long as a dead consumer's must be."""
    STUCK = 2
    """As long as anybody's may be."""


@dataclass(frozen=True)
class Unread:
    """On a stream, waiting for its first reader there."""

    key: str


@dataclass(frozen=True)
class Held:
    """Delivered to a consumer and not settled; `entry_id` is what it is called on that stream."""

    key: str
    entry_id: str
    consumer: str


Place = Unread | Held | Literal["delayed", "dead", "done"]


@dataclass
class Modelled:
    """One entry of the model."""

    place: Place
    attempt: int = 1
    crashes: int = 0
    taken_from: tuple[str, ...] = ()
    idle: Idle = Idle.FRESH
    is_due: bool = False


@dataclass
class LaneModel:
    """All entries by their mark, and which consumers are alive."""

    lane: Lane
    max_crashes: int
    entries: dict[str, Modelled] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)

    def at(self, key: str, entry_id: str) -> Modelled | None:
        """Find the entry that pends under an id, whoever holds it."""
        for entry in self.entries.values():
            if isinstance(entry.place, Held) and (entry.place.key, entry.place.entry_id) == (key, entry_id):
                return entry
        return None

    def held_by(self, consumer: str) -> list[Modelled]:
        """Find what pends under a consumer's name."""
        return [
            entry
            for entry in self.entries.values()
            if isinstance(entry.place, Held) and entry.place.consumer == consumer
        ]

    def mine(self, consumer: str, key: str, entry_id: str) -> Modelled | None:
        """Find the entry if that consumer still holds it."""
        found = self.at(key, entry_id)
        return found if found is not None and found in self.held_by(consumer) else None

    def read(self, mark: str, held: Held) -> None:
        """Deliver an entry."""
        entry = self.entries[mark]
        assert entry.place == Unread(held.key), f"{mark} was read from {held.key}, but is {entry.place}"
        entry.place, entry.idle = held, Idle.FRESH

    def due_again(self, entry: Modelled) -> None:
        """Put an entry where it is read again."""
        is_suspect = entry.crashes >= self.max_crashes - 1
        entry.place = Unread(self.lane.suspects if is_suspect else self.lane.retry)
        entry.is_due = False

    def postpone(self, entry: Modelled, *, is_due: bool) -> None:
        """Let an entry wait, its attempt spent."""
        entry.place, entry.is_due = "delayed", is_due
        entry.attempt += 1

    def let_all_be_due(self) -> None:
        """Let the time pass that put-off entries wait for."""
        for entry in self.entries.values():
            entry.is_due = entry.place == "delayed"

    def promote(self) -> int:
        """Let what is due be read again; tells how many."""
        due = [entry for entry in self.entries.values() if entry.place == "delayed" and entry.is_due]
        for entry in due:
            self.due_again(entry)
        return len(due)

    def replay(self, mark: str) -> None:
        """Let a dead entry begin anew."""
        self.entries[mark] = Modelled(Unread(self.lane.retry))

    def reclaim(self, by: str) -> tuple[list[str], list[str]]:
        """Take over; gives the reasons of what was moved, and the marks of what is to be buried."""
        reasons: list[str] = []
        poisonous: list[str] = []
        if by not in self.alive:
            return reasons, poisonous
        for mark, entry in self.entries.items():
            place = entry.place
            if not isinstance(place, Held) or place.consumer == by or entry.idle is Idle.FRESH:
                continue
            is_dead = place.consumer not in self.alive
            if not is_dead and entry.idle is not Idle.STUCK:
                continue
            if is_dead and entry.crashes + 1 >= self.max_crashes:
                poisonous.append(mark)  # claimed as it is: the count is raised when it is buried
                entry.place = Held(place.key, place.entry_id, by)
                entry.idle = Idle.FRESH
                continue
            entry.crashes += is_dead
            if is_dead:
                entry.taken_from += (place.consumer,)
            self.due_again(entry)
            reasons.append("consumer_dead" if is_dead else "stuck")
        return reasons, poisonous
