"""What the relay tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class OutboxMetrics:
    """The relay's metrics, in a registry of the process; `redis_up` tells of the Redis with the streams."""

    def __init__(self, registry: CollectorRegistry, *, redis_up: Gauge) -> None:
        self.published = Counter(
            "auth_events_published_total", "Events written to their stream.", ["type"], registry=registry
        )
        self.republished = Counter(
            "auth_outbox_republished_total",
            "Events that were gone from their stream and were written to it again.",
            ["stream"],
            registry=registry,
        )
        self.unpublished = Gauge(
            "auth_outbox_unpublished", "Events that wait in the outbox.", registry=registry
        )
        self.oldest_seconds = Gauge(
            "auth_outbox_oldest_seconds", "Age of the oldest event that waits.", registry=registry
        )
        self.postgres_up = Gauge(
            "auth_postgres_up", "Whether Postgres answered at the scrape (1) or not (0).", registry=registry
        )
        self.postgres_connections = Gauge(
            "auth_postgres_connections_in_use", "Connections of this process at work.", registry=registry
        )
        self.redis_up = redis_up
