"""The statements that record what became of a mail: each one transaction. Postgres stamps all times."""

from typing import Final

from sqlalchemy import text

HOLDS: Final = ["provider_away", "rate_spent"]
"""Why a mail is let go that no server was asked about, perhaps every few seconds for hours."""

UNSPENT: Final = [*HOLDS, "handed_back", "smtp_away"]
ATTEMPTS_KEPT: Final = 50
"""Of the tries at one mail that spent no attempt the last so many are on record beside it; the others all."""

SENT: Final = text(
    """
    WITH given AS MATERIALIZED (
        SELECT DISTINCT ON (event_id, recipient) *
        FROM json_to_recordset(CAST(:mails AS json)) AS mail(
            event_id uuid, recipient text, position smallint, event_type text, template text, stream text,
            occurred_at timestamptz, expires_at timestamptz, owner text, claim uuid, message_id text,
            provider text, reply text, address text
        )
        ORDER BY event_id, recipient
    ), sent AS (
        INSERT INTO mailer.deliveries AS known (
            event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
            claim, attempts, message_id, provider, state, reply, ended_at
        )
        SELECT
            event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
            claim, 1, message_id, provider, 'sent', reply, now()
        FROM given
        ON CONFLICT (event_id, recipient) DO UPDATE SET
            state = 'sent', owner = EXCLUDED.owner, claim = EXCLUDED.claim, reason = NULL, error = NULL,
            message_id = EXCLUDED.message_id, provider = EXCLUDED.provider, reply = EXCLUDED.reply,
            ended_at = CASE WHEN known.state = 'sent' THEN known.ended_at ELSE EXCLUDED.ended_at END
        WHERE known.state IN ('sending', 'waiting') OR known.state = 'sent' AND known.claim = EXCLUDED.claim
        RETURNING
            known.event_id, known.recipient, known.claim,
            extract(epoch FROM known.ended_at - known.occurred_at) AS age
    ), lifted AS (
        DELETE FROM mailer.suppressions
        WHERE address IN (SELECT given.address FROM given JOIN sent USING (event_id, recipient))
    )
    SELECT claim, age FROM sent
    """
)
"""Record 250s. Such a mail is out, so it wins over any state that is not final, whoever owns it, and the row
names the provider that said it.

A Postgres that lost its last commits (a failover) may not know of the claim any more: the row is made anew,
else the next claim would send the mail again. A claim does not come back where another ending stands.
Repeatable. Whose mail arrives is suppressed no longer.
"""

ENDED: Final = text(
    """
    WITH ended AS (
        UPDATE mailer.deliveries
        SET state = :state, reason = :reason, error = :error, unclear = :unclear,
            ended_at = CASE WHEN state = :state THEN ended_at ELSE now() END
        WHERE event_id = :event_id AND recipient = :recipient AND claim = :claim
            AND state IN ('sending', :state)
        RETURNING *
    ), noted AS (
        INSERT INTO mailer.delivery_attempts (
            event_id, position, begun_at, number, owner, provider, state, reason, error
        )
        SELECT event_id, position, claimed_at, attempts, owner, provider, state, reason, error FROM ended
        ON CONFLICT (event_id, position, begun_at) DO NOTHING
        RETURNING event_id, provider, error
    ), bounced AS (
        INSERT INTO mailer.suppressions AS known (
            address, bounces, first_bounced_at, last_bounced_at, until, event_id, provider, error
        )
        SELECT
            CAST(:address AS text), 1, now(), now(), now() + CAST(:suppressed_for AS interval), event_id,
            provider, error
        FROM noted
        WHERE CAST(:bounced AS boolean)
        ON CONFLICT (address) DO UPDATE SET
            bounces = CASE WHEN known.until > now() THEN known.bounces + 1 ELSE 1 END,
            first_bounced_at = CASE WHEN known.until > now() THEN known.first_bounced_at ELSE now() END,
            login_until = CASE
                WHEN known.until <= now() THEN NULL
                WHEN known.first_bounced_at > now() - CAST(:bounces_apart AS interval) THEN known.login_until
                ELSE now() + CAST(:login_suppressed_for AS interval)
            END,
            last_bounced_at = EXCLUDED.last_bounced_at, until = EXCLUDED.until,
            event_id = EXCLUDED.event_id, provider = EXCLUDED.provider, error = EXCLUDED.error
    )
    SELECT state FROM ended
    """
)
"""Record `dead` or `unconfirmed`, only while the claim is still this one. Repeatable.

A bounce puts the address on record, by the rule of `suppressions`: a repetition counts it no second time.
"""

WAITING: Final = text(
    """
    WITH waiting AS (
        UPDATE mailer.deliveries
        SET state = 'waiting', reason = :reason, error = :error, unclear = :unclear
        WHERE event_id = :event_id AND recipient = :recipient AND claim = :claim
            AND state IN ('sending', 'waiting')
        RETURNING *
    ), noted AS (
        INSERT INTO mailer.delivery_attempts (
            event_id, position, begun_at, number, owner, provider, state, reason, error
        )
        SELECT event_id, position, claimed_at, attempts, owner, provider, state, reason, error FROM waiting
        WHERE waiting.reason <> ALL(CAST(:holds AS text[])) OR NOT EXISTS (
            SELECT FROM (
                SELECT reason, error, provider FROM mailer.delivery_attempts AS before
                WHERE before.event_id = waiting.event_id AND before.position = waiting.position
                ORDER BY begun_at DESC
                LIMIT 1
            ) AS last
            WHERE (last.reason, last.error) = (waiting.reason, waiting.error)
                AND last.provider IS NOT DISTINCT FROM waiting.provider
        )
        ON CONFLICT (event_id, position, begun_at) DO NOTHING
        RETURNING event_id, position
    ), dropped AS (
        DELETE FROM mailer.delivery_attempts AS tried
        USING noted
        WHERE tried.event_id = noted.event_id AND tried.position = noted.position
            AND tried.reason = ANY(CAST(:unspent AS text[]))
            AND tried.begun_at <= (
                SELECT begun_at FROM mailer.delivery_attempts AS later
                WHERE later.event_id = noted.event_id AND later.position = noted.position
                    AND later.reason = ANY(CAST(:unspent AS text[]))
                ORDER BY begun_at DESC
                LIMIT 1 OFFSET CAST(:attempts_kept AS integer) - 1
            )
    )
    SELECT state FROM waiting
    """
)
"""Let go of a mail for a later try, only while the claim is still this one. Repeatable.

How the try went is noted beside it; of those that spent no attempt only the last few are kept, since an
outage may let go of a mail any number of times. A hold says nothing new as long as nothing changes, so one in
a row is noted.
"""

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
        RETURNING *
    ), nameless AS (
        INSERT INTO mailer.deliveries (
            event_id, recipient, position, event_type, template, stream, owner, attempts, state, reason,
            error, ended_at
        )
        SELECT
            CAST(:event_id AS uuid), '', CAST(:position AS smallint), CAST(:event_type AS text),
            CAST(:template AS text), CAST(:stream AS text), '', 0, 'dead', CAST(:reason AS text),
            CAST(:error AS text), now()
        WHERE NOT EXISTS (
            SELECT FROM mailer.deliveries WHERE event_id = :event_id AND position = :position
        )
        ON CONFLICT (event_id, recipient) DO NOTHING
        RETURNING *
    )
    INSERT INTO mailer.delivery_attempts (
        event_id, position, begun_at, number, owner, provider, state, reason, error
    )
    SELECT event_id, position, ended_at, attempts, owner, provider, state, reason, error
    FROM (SELECT * FROM buried UNION ALL SELECT * FROM nameless) AS dead
    ON CONFLICT (event_id, position, begun_at) DO NOTHING
    """
)
"""Record a mail as dead whose recipient the caller does not know.

The row of that event and position is used where there is one and it is not final; else a row without a
recipient is made. Repeatable.
"""
