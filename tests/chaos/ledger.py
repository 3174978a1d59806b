"""The mailer's ledger, as a test reads it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row: what became of one mail."""

    event_id: UUID
    recipient: str
    state: str
    owner: str
    attempts: int
    reason: str | None
    ended_at: datetime | None


class Ledger:
    """Asks the database at `url`, with a connection for each question: it may have been away."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def deliveries(self, condition: str = "true", *values: object) -> list[Delivery]:
        """Read the rows that fit an SQL condition."""
        connection = await asyncpg.connect(self.url)
        try:
            columns = ", ".join(Delivery.__dataclass_fields__)
            rows = await connection.fetch(
                f"SELECT {columns} FROM mailer.deliveries WHERE {condition}",  # noqa: S608 - the test's own words
                *values,
            )
        finally:
            await connection.close()
        return [Delivery(**dict(row)) for row in rows]

    async def states(self) -> Counter[str]:
        """Count the mails by state."""
        return Counter(delivery.state for delivery in await self.deliveries())
