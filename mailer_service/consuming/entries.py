"""An entry in hand: its fields as Redis has them, and the notes the group keeps beside the event's own."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ATTEMPT = b"attempt"
"""Number of the try that this delivery is; absent on the first."""
CRASHES = b"crashes"
"""How many processes died with this entry in hand."""
RECIPIENT = b"recipient"
"""Which recipient of the event this entry is for, once it was split."""
TAKEN_FROM = b"takenfrom"
"""Consumers that the entry was reclaimed from, separated by commas."""
FIRST = b"first"
"""When the fact was first on its stream, in milliseconds of Redis time."""
REPLAYED = b"replayed"
"""`dead` or `forced`: a person sent this dead letter again."""
DEATHS = b"deaths"
"""How often it became a dead letter."""

DIGITS_MAX = 18
"""A number with more digits than any count or time has is no number that was meant."""

FIELDS_MAX = 200
"""An entry with more fields is no event; nothing here writes as many."""

NOTES = frozenset({ATTEMPT, CRASHES, RECIPIENT, TAKEN_FROM, FIRST, REPLAYED, DEATHS})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of one stream. Notes that are missing or make no sense read as their beginning."""

    key: str
    id: str
    fields: Mapping[bytes, bytes]

    @property
    def attempt(self) -> int:
        """Number of this try, from 1."""
        return max(self._number(ATTEMPT, 1), 1)

    @property
    def crashes(self) -> int:
        """How many processes died with it in hand."""
        return self._number(CRASHES, 0)

    @property
    def recipient(self) -> int | None:
        """Which of the event's recipients it is for; None before it was split."""
        return self._number(RECIPIENT, 0) if RECIPIENT in self.fields else None

    @property
    def taken_from(self) -> tuple[str, ...]:
        """Consumers that it was reclaimed from."""
        return tuple(name for name in self.text(TAKEN_FROM).split(",") if name)

    @property
    def first_ms(self) -> int:
        """When the fact was first on its stream, in milliseconds of Redis time."""
        return self._number(FIRST, int(self.id.partition("-")[0]))

    @property
    def replayed(self) -> str:
        """How a person sent it again: `dead`, `forced`, or empty for not at all."""
        return self.text(REPLAYED)

    @property
    def deaths(self) -> int:
        """How often it became a dead letter."""
        return self._number(DEATHS, 0)

    def text(self, name: bytes) -> str:
        """Read a field as text, whatever bytes it has."""
        return self.fields.get(name, b"").decode(errors="replace")

    def noted(self, notes: Mapping[bytes, object]) -> dict[bytes, bytes]:
        """Give the fields with `notes` written over them."""
        return {**self.fields, **{name: str(value).encode() for name, value in notes.items()}}

    def _number(self, name: bytes, default: int) -> int:
        value = self.fields.get(name, b"")
        return int(value) if value.isdigit() and len(value) <= DIGITS_MAX else default


@dataclass(slots=True, eq=False)
class InHand:
    """An entry that this process works on. `irrevocable` from the moment its work cannot be taken back.

    `asked_at` is when the read that brought it was sent, in seconds of the consumer's clock: nobody else can
    have found it idle for longer than since then.
    """

    entry: Entry
    asked_at: float
    task: asyncio.Task[None] | None = field(default=None)
    irrevocable: bool = False
    settled: bool = False
    """Whether its last move is made; without one it still pends under this consumer's name."""
    ended: bool = False
    """Whether its work is done and on the record, and only the acknowledgement is left."""
    freed: Callable[[], object] = lambda: None
    """Tells whoever waits for a free slot that there may be one."""

    def end(self) -> None:
        """Take up no slot any more."""
        self.ended = True
        self.freed()
