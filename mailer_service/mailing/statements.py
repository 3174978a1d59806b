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
            given.*, now(), CAST(:attempt AS integer), verdict.state,
            CASE verdict.state WHEN 'expired' THEN 'expired' WHEN 'suppressed' THEN 'bounced' END,
            CASE WHEN verdict.state <> 'sending' THEN now() END
        FROM (
            VALUES (
                CAST(:event_id AS uuid), CAST(:recipient AS text), CAST(:position AS smallint),
                CAST(:event_type AS text), CAST(:template AS text), CAST(:stream AS text),
                CAST(:message_id AS text), CAST(:provider AS text), CAST(:occurred_at AS timestamptz),
                CAST(:expires_at AS timestamptz), CAST(:owner AS text), CAST(:claim AS uuid)
            )
        ) AS given
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN CAST(:expires_at AS timestamptz) <= now() AND NOT CAST(:even_late AS boolean)
                    THEN 'expired'
                WHEN CAST(:suppressible AS boolean) AND EXISTS (
                    SELECT FROM mailer.suppressions
                    WHERE address = CAST(:address AS text)
                        AND now() < CASE WHEN CAST(:login AS boolean) THEN login_until ELSE until END
                )
                    THEN 'suppressed'
                ELSE 'sending'
            END AS state
        ) AS verdict
        ON CONFLICT (event_id, recipient) DO UPDATE SET
            owner = EXCLUDED.owner, claim = EXCLUDED.claim, claimed_at = EXCLUDED.claimed_at,
            attempts = EXCLUDED.attempts, message_id = EXCLUDED.message_id,
            provider = CASE
                WHEN known.unclear > 0 AND known.state IN ('sending', 'waiting')
                THEN coalesce(known.provider, EXCLUDED.provider)
                ELSE EXCLUDED.provider
            END,
            state = EXCLUDED.state, reason = EXCLUDED.reason, ended_at = EXCLUDED.ended_at
        WHERE known.state = 'waiting'
            OR known.state = 'sending' AND (
                known.owner = ANY(CAST(:taken_from AS text[]))
                OR known.claimed_at < now() - CAST(:stale_after AS interval)
                OR known.claim = CAST(:left_behind AS uuid)
            )
            OR known.state = ANY(CAST(:reopened AS text[]))
        RETURNING known.state, known.unclear, known.provider
    ), nameless AS (
        DELETE FROM mailer.deliveries
        WHERE event_id = :event_id AND recipient = '' AND position = :position AND state = 'dead'
            AND recipient <> CAST(:recipient AS text)
            AND cardinality(CAST(:reopened AS text[])) > 0 AND EXISTS (SELECT FROM claimed)
    )
    SELECT state, unclear, provider FROM claimed
    """
)
"""Take a mail in hand, so that of any number who try at once exactly one does.

It is refused (no row comes back) while another's `sending` stands, even one of the same owner, and once a
final state is recorded. It passes where the row is new or `waiting`; where the claim that stands is of a
consumer that the entry was reclaimed from, is stale, or was left behind by this process (Postgres did not
answer when it was made or let go); and where the final state is one that a replay reopens. What is past its
time becomes `expired` in the same statement: nobody can find it unexpired afterwards; what goes to a
suppressed address becomes `suppressed`. A row that `DEAD` made without a recipient goes where a replay finds
out whose mail it was: one row a mail.
"""

STATE: Final = text(
    "SELECT state FROM mailer.deliveries WHERE event_id = :event_id AND recipient = :recipient"
)
"""Tell why a claim was refused."""

SENT: Final = text(
    """
    WITH sent AS (
        INSERT INTO mailer.deliveries AS known (
            event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
            claim, attempts, state, reply, ended_at
        )
        VALUES (
            :event_id, :recipient, :position, :event_type, :template, :stream, :occurred_at, :expires_at,
            :owner, :claim, 1, 'sent', :reply, now()
        )
        ON CONFLICT (event_id, recipient) DO UPDATE SET
            state = 'sent', owner = EXCLUDED.owner, claim = EXCLUDED.claim, reason = NULL, error = NULL,
            reply = EXCLUDED.reply,
            ended_at = CASE WHEN known.state = 'sent' THEN known.ended_at ELSE EXCLUDED.ended_at END
        WHERE known.state IN ('sending', 'waiting') OR known.state = 'sent' AND known.claim = EXCLUDED.claim
        RETURNING extract(epoch FROM known.ended_at - known.occurred_at) AS age
    ), lifted AS (
        DELETE FROM mailer.suppressions WHERE address = CAST(:address AS text) AND EXISTS (SELECT FROM sent)
    )
    SELECT age FROM sent
    """
)
"""Record a 250. The mail is out, so it wins over any state that is not final, whoever owns it.

A Postgres that lost its last commits (a failover) may not know of the claim any more: the row is made anew,
else the next claim would send the mail again. No row comes back where another ending stands. Repeatable.
Whose mail arrives is suppressed no longer.
"""

ENDED: Final = text(
    """
    WITH ended AS (
        UPDATE mailer.deliveries
        SET state = :state, reason = :reason, error = :error, unclear = :unclear, ended_at = now()
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
        ON CONFLICT (event_id, position, begun_at) DO NOTHING
    ), dropped AS (
        DELETE FROM mailer.delivery_attempts AS tried
        USING waiting
        WHERE tried.event_id = waiting.event_id AND tried.position = waiting.position
            AND tried.begun_at <= (
                SELECT begun_at FROM mailer.delivery_attempts AS later
                WHERE later.event_id = waiting.event_id AND later.position = waiting.position
                ORDER BY begun_at DESC
                LIMIT 1 OFFSET CAST(:attempts_kept AS integer) - 1
            )
    )
    SELECT state FROM waiting
    """
)
"""Let go of a mail for a later try, only while the claim is still this one. Repeatable.

How the try went is noted beside it, with the last few before it: an outage may let go of a mail any number
of times.
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
