"""The limits: asked before anything is done; shared by all processes, without Redis kept by each alone."""

from collections.abc import Sequence

from auth_service.memory.circuit import MemoryAway
from auth_service.memory.local_windows import LocalWindows
from auth_service.memory.metrics import MemoryMetrics
from auth_service.memory.policies import Allowed, Claim, Denied, Verdict
from auth_service.memory.windows import SharedWindows


class Limits:
    """Decides whether something may be done now."""

    def __init__(self, *, shared: SharedWindows, local: LocalWindows, metrics: MemoryMetrics) -> None:
        self._shared = shared
        self._local = local
        self._metrics = metrics

    async def admit(self, claims: Sequence[Claim]) -> Verdict:
        """Count one hit for each claim, or for none: the first of them that has no room denies.

        They come from the widest to the narrowest. Raises nothing: without Redis this process counts alone.
        """
        wanted = [(claim.policy, claim.subject) for claim in claims if claim.policy is not None]
        if not wanted:
            return Allowed(remaining=None)
        try:
            verdict, where = await self._shared.hit(wanted), ""
            self._local.forget()  # what an outage left, when its time has come; then there is nothing to do
        except MemoryAway:
            verdict, where = self._local.hit(wanted), "_locally"
        match verdict:
            case Denied():
                self._metrics.decisions(verdict.policy, f"denied{where}").inc()
            case Allowed():
                for policy, _ in wanted:
                    self._metrics.decisions(policy.name, f"allowed{where}").inc()
        return verdict
