"""Sliding windows of one process, for as long as Redis is away: the same rule, shared with nobody."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from auth_service.memory.policies import Allowed, Denied, Policy, Verdict

SUBJECTS_MAX: Final = 10_000


class LocalWindows:
    """Counts by `clock`, in seconds, for at most `subjects_max` subjects; the stalest go first."""

    def __init__(
        self, *, subjects_max: int = SUBJECTS_MAX, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._subjects_max = subjects_max
        self._clock = clock
        self._hits: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hits)

    def hit(self, claims: Sequence[tuple[Policy, str]]) -> Verdict:
        """Count a hit of each subject in its window, or none where any is full: the first one denies."""
        now = int(self._clock() * 1000)
        windows = []
        remaining = None
        for policy, subject in claims:
            hits = self._hits.get((policy.name, subject)) or deque()
            while hits and hits[0] + policy.per_ms <= now:
                hits.popleft()
            left = policy.count - len(hits)
            if left <= 0:
                return Denied(
                    policy.name,
                    retry_after=timedelta(milliseconds=hits[-policy.count] + policy.per_ms - now),
                )
            remaining = left - 1 if remaining is None else min(remaining, left - 1)
            windows.append(((policy.name, subject), hits))
        for key, hits in windows:
            hits.append(now)
            self._hits[key] = hits
            self._hits.move_to_end(key)
        while len(self._hits) > self._subjects_max:
            self._hits.popitem(last=False)
        return Allowed(remaining)
