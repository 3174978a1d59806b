"""A lane: one stream of facts, the keys that the mailer's group keeps beside it, and how it is worked."""

from dataclasses import dataclass, field
from datetime import timedelta

from contracts.streams import Stream
from mailer_service.consuming.backoff import Backoff

GROUP = "mailer"


@dataclass(frozen=True, slots=True)
class Lane:
    """Every key of a lane shares the hash tag of its stream, so each script touches one Cluster slot.

    `slots` is how many entries one process has in hand at once.
    """

    stream: Stream
    slots: int
    backoff: Backoff
    group: str = GROUP

    @property
    def name(self) -> str:
        """The lane's name in metrics and commands."""
        return self.stream.name

    @property
    def facts(self) -> str:
        """The stream of facts; other groups read it too, so nothing is ever deleted from it here."""
        return self.stream.key

    @property
    def retry(self) -> str:
        """The stream of entries that are due again: promoted, reclaimed, split, handed back, replayed."""
        return f"{self.stream.key}:{self.group}:retry"

    @property
    def suspects(self) -> str:
        """The stream of entries with two crashes, read one at a time."""
        return f"{self.stream.key}:{self.group}:suspects"

    @property
    def delayed(self) -> str:
        """The sorted set of retries that wait, by due time; a member carries the whole entry."""
        return f"{self.stream.key}:{self.group}:delayed"

    @property
    def dead(self) -> str:
        """The stream of dead letters."""
        return f"{self.stream.key}:{self.group}:dead"

    @property
    def alive(self) -> str:
        """The sorted set of consumers by their last sign of life, in Redis time."""
        return f"{self.stream.key}:{self.group}:alive"

    @property
    def watched(self) -> str:
        """Since when, in milliseconds of Redis time, signs of life have come without a gap."""
        return f"{self.stream.key}:{self.group}:watched"

    @property
    def read_keys(self) -> tuple[str, str, str]:
        """The streams that have the consumer group."""
        return self.facts, self.retry, self.suspects

    def is_private(self, key: str) -> bool:
        """Tell whether entries of `key` are this group's own and go once acknowledged."""
        return key != self.facts


@dataclass(frozen=True, slots=True)
class Pace:
    """The waits of the consuming core. Tests shorten them; the defaults are the design's."""

    renew_every: timedelta = timedelta(seconds=2)
    silent_after: timedelta = timedelta(seconds=10)
    """A consumer silent for this long is dead, and an entry idle for this long may be reclaimed from it."""
    stuck_after: timedelta = timedelta(minutes=5)
    """An entry idle for this long is taken from anyone."""
    work_within: timedelta = timedelta(seconds=20)
    """How long work on an entry may take once it has begun."""
    begin_within: timedelta = timedelta(seconds=8)
    """Irrevocable work begins only if the last sign of life is younger than this."""
    promote_every: timedelta = timedelta(milliseconds=250)
    reclaim_every: timedelta = timedelta(seconds=1)
    clean_every: timedelta = timedelta(seconds=30)
    block: timedelta = timedelta(seconds=1)
    drain_for: timedelta = timedelta(seconds=25)
    probe_every: timedelta = timedelta(seconds=1)
    busy_for: timedelta = timedelta(seconds=5)
    turn_within: timedelta = timedelta(seconds=30)
    """The reader's loop is considered stuck when it has not turned for this long."""
    max_attempts: int = 3
    max_crashes: int = 3
    lookback: timedelta = field(default=timedelta(hours=24))
    """How far back a new group starts: account mail is given up after that, login mail long before."""

    @property
    def begin_before_stuck(self) -> timedelta:
        """How long after it was read work on an entry may begin: it ends before the entry is taken."""
        return self.stuck_after - min(self.work_within, self.stuck_after / 2)
