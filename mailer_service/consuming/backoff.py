"""When to try again: a floor for each attempt, jitter on top; a server's hint counts more than the floor."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """The floors of a lane: the wait after the first failed attempt, after the second, and so on."""

    floors: tuple[timedelta, ...]
    jitter: float = 0.25
    """At most this share of the wait is added, so that failures of one moment do not return as one."""
    hint_least: float = 0.25
    """A hint is never shorter than this share of the floor: a server that says "in a second" each time would
    have spent all attempts before anything could change. Greylisting's hints are longer as a rule.
    """

    def after(self, attempt: int, *, chance: float, hint: timedelta | None = None) -> timedelta:
        """Tell how long to wait after the failed attempt number `attempt` (1 is the first).

        `chance` is in [0, 1). A hint is what the server asked for: it replaces the floor, also a longer one,
        down to `hint_least` of it. Beyond the last floor the last one holds.
        """
        floor = self.floors[min(attempt, len(self.floors)) - 1]
        wait = floor if hint is None else max(hint, floor * self.hint_least)
        return wait * (1 + self.jitter * chance)


LOGIN_BACKOFF = Backoff(floors=(timedelta(seconds=5), timedelta(seconds=90)))
ACCOUNTS_BACKOFF = Backoff(floors=(timedelta(minutes=1), timedelta(minutes=15)))


def reconnect_delay(failures: int, *, chance: float) -> float:
    """Seconds to wait after `failures` faults in a row: at first under 250 ms, at most 2 s."""
    return min(0.1 * 2.0 ** min(failures - 1, 8), 1.6) * (1 + 0.25 * chance)
