"""The ledger's upkeep: statements that forget what is over, and ask whether all of it is there."""

from typing import Final

from sqlalchemy import text

FORGET: Final = text(
    """
    WITH forgotten AS (
        DELETE FROM mailer.deliveries
        WHERE ctid IN (
            SELECT ctid FROM mailer.deliveries
            WHERE created_at < now() - CAST(:kept AS interval)
            ORDER BY created_at
            LIMIT :batch
        )
        RETURNING event_id, position
    ), their_attempts AS (
        DELETE FROM mailer.delivery_attempts AS tried
        USING forgotten
        WHERE tried.event_id = forgotten.event_id AND tried.position = forgotten.position
    ), lapsed AS (
        DELETE FROM mailer.suppressions
        WHERE until <= now()
            AND ctid IN (SELECT ctid FROM mailer.suppressions WHERE until <= now() LIMIT :batch)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM forgotten) + (SELECT count(*) FROM lapsed)
    """
)
"""Delete a batch of mails that are older than anything that could come again, and one of lapsed suppressions.

Tells how many there were of both.
"""

PROBE: Final = text(
    "SELECT state FROM mailer.deliveries JOIN mailer.delivery_attempts USING (state)"
    " CROSS JOIN mailer.suppressions LIMIT 0"
)
"""Ask whether Postgres answers and all of the ledger's tables are there."""
