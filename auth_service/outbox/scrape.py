"""What a scrape is told of the outbox: looked up then, so it is true even where no relay runs."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from auth_service.outbox.metrics import OutboxMetrics
from auth_service.storage.database import Database
from auth_service.storage.faults import PostgresAway


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeLook:
    """Looks into Postgres before a scrape is answered, and gives up after `patience`."""

    database: Database
    metrics: OutboxMetrics
    patience: timedelta = timedelta(seconds=1)

    async def look(self) -> None:
        """Refresh the gauges. Without Postgres `postgres_up` is 0, and the backlog stays as last seen."""
        try:
            async with asyncio.timeout(self.patience.total_seconds()), self.database.unit() as unit:
                backlog = await unit.outbox.backlog()
        except (PostgresAway, TimeoutError):
            self.metrics.postgres_up.set(0)
        else:
            self.metrics.postgres_up.set(1)
            self.metrics.unpublished.set(backlog.rows)
            self.metrics.oldest_seconds.set(backlog.oldest_seconds)
        self.metrics.postgres_connections.set(self.database.connections_in_use)
