"""What the limits and the caches tell about themselves."""

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
        self.cache_requests = Counter(
            "auth_cache_requests_total",
            "Looks into a cache: hit, miss, stale (checked anew), shared (loaded once), bypass (without it).",
            ["cache", "result"],
            registry=registry,
        )
        self.cache_fills = Counter(
            "auth_cache_fills_total",
            "Loaded values: kept, outrun by a change, or not_kept (nothing there, or too large).",
            ["cache", "result"],
            registry=registry,
        )
