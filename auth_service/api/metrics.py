"""What the HTTP interface tells about itself."""

from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

ANSWERS_KEPT: Final = 512
"""More than all routes have methods and usual statuses."""


class ApiMetrics:
    """The interface's metrics, in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._request_seconds = Histogram(
            "auth_http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["route", "method", "status"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.logins = Counter(
            "auth_logins_total", "Answers to challenges.", ["method", "result"], registry=registry
        )
        # `labels` makes strings and takes a lock, which is more than half of what observing costs.
        self._answers = lru_cache(ANSWERS_KEPT)(self._request_seconds.labels)

    def request_answered(self, route: str, method: str, status: int, *, seconds: float) -> None:
        """Count an answer and the time it took; `route` and `method` are of few possible ones."""
        self._answers(route, method, status).observe(seconds)
