"""What the limits and the caches tell about themselves."""

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter

Child = Callable[[str, str], Counter]
"""Gives the counter for two labels. It is looked up once: that costs three times what counting does."""


class MemoryMetrics:
    """The metrics of what Redis remembers, in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = _counter(
            "auth_rate_limit_decisions_total",
            "What limits decided; locally while Redis was away.",
            ("policy", "decision"),
            registry,
        )
        self.cache_requests = _counter(
            "auth_cache_requests_total",
            "Looks into a cache: hit, miss, stale (checked anew), shared (loaded once), bypass (beside it).",
            ("cache", "result"),
            registry,
        )
        self.cache_fills = _counter(
            "auth_cache_fills_total",
            "Loaded values: kept, outrun by a change, or not_kept (nothing there, or too large).",
            ("cache", "result"),
            registry,
        )


def _counter(name: str, told: str, labels: tuple[str, str], registry: CollectorRegistry) -> Child:
    return cache(Counter(name, told, labels, registry=registry).labels)
