"""What the limits tell about themselves."""

from prometheus_client import CollectorRegistry, Counter


class MemoryMetrics:
    """The metrics of what Redis remembers, in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter(
            "auth_rate_limit_decisions_total",
            "What limits decided; locally while Redis was away.",
            ["policy", "decision"],
            registry=registry,
        )
