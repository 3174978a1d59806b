"""What housekeeping tells about itself."""

from prometheus_client import CollectorRegistry, Counter


class HousekeepingMetrics:
    """Its metrics, in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.deleted = Counter(
            "auth_housekeeping_deleted_total",
            "Rows removed because they had served their time.",
            ["table"],
            registry=registry,
        )
