"""What sliding windows promise, said as simply as it can be: the model that the real ones are held to."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from auth_service.memory.policies import Allowed, Denied, Policy, Verdict


class WindowModel:
    """Keeps every hit there ever was, and counts anew each time."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, str], list[int]] = defaultdict(list)

    def hit(self, claims: Sequence[tuple[Policy, str]], *, now: int) -> Verdict:
        """Judge a hit at `now`, in milliseconds."""
        lefts = []
        for policy, subject in claims:
            length = policy.per // timedelta(milliseconds=1)
            inside = [at for at in self.hits[policy.name, subject] if now - length < at <= now]
            if len(inside) >= policy.count:
                free_at = min(
                    moment
                    for moment in range(now, now + length + 1)
                    if sum(moment - length < at for at in inside) < policy.count
                )
                return Denied(policy.name, retry_after=timedelta(milliseconds=free_at - now))
            lefts.append(policy.count - len(inside) - 1)
        for policy, subject in claims:
            self.hits[policy.name, subject].append(now)
        return Allowed(min(lefts))
