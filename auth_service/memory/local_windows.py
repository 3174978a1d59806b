"""Sliding windows of one process, for as long as Redis is away: the same rule, shared with nobody."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from auth_service.memory.policies import Allowed, Denied, Policy, Verdict

SUBJECTS_MAX: Final = 10_000


class LocalWindows:
    """Counts by `clock`, in seconds, for at most `subjects_max` subjects; the stalest go first.

    A subject whose window is empty is none: all are gone when whoever asks next has waited for long enough.
    """

    def __init__(
        self, *, subjects_max: int = SUBJECTS_MAX, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._subjects_max = subjects_max
        self._clock = clock
        self._windows: dict[Policy, OrderedDict[str, deque[int]]] = {}
        """The subjects of each policy, by their last hit: so those whose window is empty come first."""

    def __len__(self) -> int:
        return sum(map(len, self._windows.values()))

    def hit(self, claims: Sequence[tuple[Policy, str]]) -> Verdict:
        """Count a hit of each subject in its window, or none where any is full: the first one denies."""
        now = self.forget()
        remaining = None
        for policy, subject in claims:
            hits = self._windows.setdefault(policy, OrderedDict()).get(subject, deque())
            while hits and hits[0] + policy.per_ms <= now:
                hits.popleft()
            left = policy.count - len(hits)
            if left <= 0:
                return Denied(
                    policy.name,
                    retry_after=timedelta(milliseconds=hits[-policy.count] + policy.per_ms - now),
                )
            remaining = left - 1 if remaining is None else min(remaining, left - 1)
        for policy, subject in claims:
            window = self._windows[policy]
            window.setdefault(subject, deque()).append(now)
            window.move_to_end(subject)
        while len(self) > self._subjects_max:
            self._forget_stalest()
        return Allowed(remaining)

    def forget(self) -> int:
        """Forget whoever has no hit in their window any more; gives the time, in milliseconds."""
        now = int(self._clock() * 1000)
        for policy, window in self._windows.items():
            while window and _last(window) + policy.per_ms <= now:
                window.popitem(last=False)
        return now

    def _forget_stalest(self) -> None:
        min(filter(None, self._windows.values()), key=_last).popitem(last=False)


def _last(window: OrderedDict[str, deque[int]]) -> int:
    """Tell when the stalest subject of a policy hit last."""
    return next(iter(window.values()))[-1]
