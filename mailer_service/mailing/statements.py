"""The ledger's statements: each one transaction by itself. Postgres stamps and judges all times."""

from typing import Final

from sqlalchemy import text

CLAIM: Final = text(
    """
    WITH claimed AS (
        INSERT INTO mailer.deliveries AS known (
            event_id, recipient, position, event_type, template, stream, message_id, provider, occurred_at,
            expires_at, owner, claim, claimed_at, attempts, state, reason, ended_at
        )
        SELECT
            given.*, now(), CAST(:attempt AS integer),
            CASE WHEN late THEN 'expired' ELSE 'sending' END,
            CASE WHEN late THEN 'expired' END,
            CASE WHEN late THEN now() END
        FROM (
            VALUES (
                CAST(:event_id AS uuid), CAST(:recipient AS text), CAST(:position AS smallint),
                CAST(:event_type AS text), CAST(:template AS text), CAST(:stream AS text),
                CAST(:message_id AS text), CAST(:provider AS text), CAST(:occurred_at AS timestamptz),
                CAST(:expires_at AS timestamptz), CAST(:owner AS text), CAST(:claim AS uuid)
            )
        ) AS given
        CROSS JOIN LATERAL (
            SELECT CAST(:expires_at AS timestamptz) <= now() AND NOT CAST(:even_late AS boolean) AS late
        ) AS judged
        ON CONFLICT (event_id, recipient) DO UPDATE SET
            owner = EXCLUDED.owner, claim = EXCLUDED.claim, claimed_at = EXCLUDED.claimed_at,
            attempts = EXCLUDED.attempts, message_id = EXCLUDED.message_id, provider = EXCLUDED.provider,
            state = EXCLUDED.state, reason = EXCLUDED.reason, ended_at = EXCLUDED.ended_at
        WHERE known.state = 'waiting'
            OR known.state = 'sending' AND (
                known.owner = ANY(CAST(:taken_from AS text[]))
                OR known.claimed_at < now() - CAST(:stale_after AS interval)
                OR known.claim = CAST(:left_behind AS uuid)
            )
            OR known.state = ANY(CAST(:reopened AS text[]))
        RETURNING known.state, known.unclear
    ), nameless AS (
        DELETE FROM mailer.deliveries
        WHERE event_id = :event_id AND recipient = '' AND position = :position AND state = 'dead'
            AND recipient <> CAST(:recipient AS text)
            AND cardinality(CAST(:reopened AS text[])) > 0 AND EXISTS (SELECT FROM claimed)
    )
    SELECT state, unclear FROM claimed
    """
)
"""Take a mail in hand, so that of any number who try at once exactly one does.

It is refused (no row comes back) while another's `sending` stands, even one of the same owner, and once a
final state is recorded. It passes where the row is new or `waiting`; where the claim that stands is of a
consumer that the entry was reclaimed from, is stale, or was left behind by this process (Postgres did not
answer when it was made or let go); and where the final state is one that a replay reopens. What is past its
time becomes `expired` in the same statement: nobody can find it unexpired afterwards. A row that `DEAD` made
without a recipient goes where a replay finds out whose mail it was: one row a mail.
"""

STATE: Final = text(
    "SELECT state FROM mailer.deliveries WHERE event_id = :event_id AND recipient = :recipient"
)
"""Tell why a claim was refused."""

SENT: Final = text(
    """
    INSERT INTO mailer.deliveries AS known (
        event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner, claim,
        attempts, state, reply, ended_at
    )
    VALUES (
        :event_id, :recipient, :position, :event_type, :template, :stream, :occurred_at, :expires_at, :owner,
        :claim, 1, 'sent', :reply, now()
    )
    ON CONFLICT (event_id, recipient) DO UPDATE SET
        state = 'sent', owner = EXCLUDED.owner, claim = EXCLUDED.claim, reason = NULL, error = NULL,
        reply = EXCLUDED.reply,
        ended_at = CASE WHEN known.state = 'sent' THEN known.ended_at ELSE EXCLUDED.ended_at END
    WHERE known.state IN ('sending', 'waiting') OR known.state = 'sent' AND known.claim = EXCLUDED.claim
    RETURNING extract(epoch FROM known.ended_at - known.occurred_at)
    """
)
"""Record a 250. The mail is out, so it wins over any state that is not final, whoever owns it.

A Postgres that lost its last commits (a failover) may not know of the claim any more: the row is made anew,
else the next claim would send the mail again. No row comes back where another ending stands. Repeatable.
"""

ENDED: Final = text(
    """
    UPDATE mailer.deliveries
    SET state = :state, reason = :reason, error = :error, unclear = :unclear, ended_at = now()
    WHERE event_id = :event_id AND recipient = :recipient AND claim = :claim
        AND state IN ('sending', :state)
    RETURNING state
    """
)
"""Record `dead` or `unconfirmed`, only while the claim is still this one. Repeatable."""

WAITING: Final = text(
    """
    UPDATE mailer.deliveries
    SET state = 'waiting', reason = :reason, error = :error, unclear = :unclear
    WHERE event_id = :event_id AND recipient = :recipient AND claim = :claim
        AND state IN ('sending', 'waiting')
    RETURNING state
    """
)
"""Let go of a mail for a later try, only while the claim is still this one. Repeatable."""

SUPPRESSED: Final = text(
    """
    INSERT INTO mailer.deliveries (
        event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
        attempts, state, reason, ended_at
    )
    VALUES (
        :event_id, :recipient, :position, :event_type, :template, :stream, :occurred_at, :expires_at, :owner,
        0, 'suppressed', :reason, now()
    )
    ON CONFLICT (event_id, recipient) DO NOTHING
    RETURNING state
    """
)
"""Record that a mail is deliberately not sent. Gives no row where the mail is on record already."""

DEAD: Final = text(
    """
    WITH buried AS (
        UPDATE mailer.deliveries
        SET state = 'dead', reason = :reason, error = :error, ended_at = now()
        WHERE event_id = :event_id AND position = :position AND state IN ('sending', 'waiting')
    )
    INSERT INTO mailer.deliveries (
        event_id, recipient, position, event_type, template, stream, owner, attempts, state, reason, error,
        ended_at
    )
    SELECT
        CAST(:event_id AS uuid), '', CAST(:position AS smallint), CAST(:event_type AS text),
        CAST(:template AS text), CAST(:stream AS text), '', 0, 'dead', CAST(:reason AS text),
        CAST(:error AS text), now()
    WHERE NOT EXISTS (
        SELECT FROM mailer.deliveries WHERE event_id = :event_id AND position = :position
    )
    ON CONFLICT (event_id, recipient) DO NOTHING
    """
)
"""Record a mail as dead whose recipient the caller does not know.

The row of that event and position is used where there is one and it is not final; else a row without a
recipient is made. Repeatable.
"""

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
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """
)
"""Delete a batch of rows that are older than anything that could come again, and tell how many."""

PROBE: Final = text("SELECT state FROM mailer.deliveries LIMIT 0")
"""Ask whether Postgres answers and the ledger is there."""
