"""What the HTTP interface tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class ApiMetrics:
    """The interface's metrics, in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_seconds = Histogram(
            "auth_http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["route", "method", "status"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.logins = Counter(
            "auth_logins_total", "Answers to challenges.", ["method", "result"], registry=registry
        )
