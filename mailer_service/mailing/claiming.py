"""The statement by which a mail is taken in hand. Postgres stamps and judges all times."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from mailer_service.mailing.attempts import Reopen
from mailer_service.mailing.deliveries import State

BOUND_FOR: Final = timedelta(minutes=1)
"""How long a mail that was taken over in mid-send is tried by the same provider only.

Long enough for most interruptions to end; a code that was not sent at all still comes in time.
"""

REOPENED: Final = {
    Reopen.NOTHING: [],
    Reopen.DEAD: [State.DEAD.value],
    Reopen.EXPIRED: [State.DEAD.value, State.EXPIRED.value],
}

CLAIM: Final = text(
    """
    WITH given AS MATERIALIZED (
        SELECT DISTINCT ON (event_id, recipient) *
        FROM json_to_recordset(CAST(:mails AS json)) AS mail(
            event_id uuid, recipient text, position smallint, event_type text, template text, stream text,
            occurred_at timestamptz, expires_at timestamptz, owner text, claim uuid, attempt integer,
            message_id text, provider text, taken_from text[], reopened text[], even_late boolean,
            suppressible boolean, address text, login boolean
        )
        ORDER BY event_id, recipient
    ), claimed AS (
        INSERT INTO mailer.deliveries AS known (
            event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
            claim, claimed_at, attempts, state, message_id, provider, reason, ended_at
        )
        SELECT
            event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
            claim, now(), attempt, verdict.state,
            CASE verdict.state WHEN 'sending' THEN message_id END,
            CASE verdict.state WHEN 'sending' THEN provider END,
            CASE verdict.state WHEN 'expired' THEN 'expired' WHEN 'suppressed' THEN 'bounced' END,
            CASE WHEN verdict.state <> 'sending' THEN now() END
        FROM given
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN given.expires_at <= now() AND NOT given.even_late THEN 'expired'
                WHEN given.suppressible AND EXISTS (
                    SELECT FROM mailer.suppressions
                    WHERE address = given.address
                        AND now() < CASE WHEN given.login THEN login_until ELSE until END
                )
                    THEN 'suppressed'
                ELSE 'sending'
            END AS state
        ) AS verdict
        ON CONFLICT (event_id, recipient) DO UPDATE SET
            owner = EXCLUDED.owner, claim = EXCLUDED.claim, claimed_at = EXCLUDED.claimed_at,
            attempts = EXCLUDED.attempts, ended_at = EXCLUDED.ended_at,
            (unclear, taken_over_at, provider, message_id, state, reason, error) = (
                SELECT
                    past.unclear, past.taken_over_at,
                    CASE WHEN held.bound THEN known.provider ELSE EXCLUDED.provider END,
                    coalesce(EXCLUDED.message_id, CASE WHEN held.bound THEN known.message_id END),
                    CASE WHEN held.lapsed THEN 'unconfirmed' ELSE EXCLUDED.state END,
                    CASE WHEN held.lapsed THEN 'unclear_data' ELSE EXCLUDED.reason END,
                    CASE
                        WHEN held.lapsed THEN 'its time was over before it could be tried again'
                        ELSE known.error
                    END
                FROM (
                    SELECT
                        CASE WHEN known.state IN ('sending', 'waiting') THEN known.unclear ELSE 0 END
                            AS unclear,
                        CASE
                            WHEN known.state = 'sending' AND known.claim <> EXCLUDED.claim THEN now()
                            WHEN known.state IN ('sending', 'waiting') THEN known.taken_over_at
                        END AS taken_over_at
                ) AS past
                CROSS JOIN LATERAL (
                    SELECT
                        past.unclear > 0 OR past.taken_over_at > now() - CAST(:bound_for AS interval)
                            AS bound,
                        past.unclear > 0 AND EXCLUDED.state <> 'sending' AS lapsed
                ) AS held
            )
        WHERE known.state = 'waiting'
            OR known.state = 'sending' AND (
                known.claimed_at < now() - CAST(:stale_after AS interval)
                OR known.claim = EXCLUDED.claim
                OR EXISTS (
                    SELECT FROM given
                    WHERE (given.event_id, given.recipient) = (known.event_id, known.recipient)
                        AND known.owner = ANY(given.taken_from)
                )
            )
            OR EXISTS (
                SELECT FROM given
                WHERE (given.event_id, given.recipient) = (known.event_id, known.recipient)
                    AND known.state = ANY(given.reopened)
            )
        RETURNING
            known.event_id, known.recipient, known.claim, known.state, known.unclear, known.provider,
            known.unclear > 0 OR coalesce(known.taken_over_at > now() - CAST(:bound_for AS interval), false)
                AS bound
    ), nameless AS (
        DELETE FROM mailer.deliveries AS made
        USING given JOIN claimed USING (event_id, recipient)
        WHERE made.event_id = given.event_id AND made.recipient = '' AND made.position = given.position
            AND made.state = 'dead' AND given.recipient <> '' AND cardinality(given.reopened) > 0
    )
    SELECT claim, state, unclear, provider, bound FROM claimed
    """
)
"""Take mails in hand, so that of any number who try at once to take one exactly one does.

A mail is refused (its claim does not come back) while another's `sending` stands, even one of the same
owner, and once a final state is recorded. It passes where the row is new or `waiting`; where the claim that
stands is of a consumer that the entry was reclaimed from, is stale, or is this very one, left behind by
this process (Postgres did not answer when it was made or let go); and where the final state is one that a
replay reopens. A row that `DEAD` made without a recipient goes where a replay finds out whose mail it was:
one row a mail.

Rows are taken in the order of their keys: two who take the same ones wait for each other, but in no circle.

What is past its time becomes `expired` in the same statement: nobody can find it unexpired afterwards; what
goes to a suppressed address becomes `suppressed`. Neither names a provider, since none is offered the mail.
But where an earlier DATA got no reply nobody can say that it was not sent: it becomes `unconfirmed`.

The mail is `bound` to the provider in its row where that one may have it already: for good after an unclear
DATA, for `bound_for` where the claim that it is taken from ended nobody knows how. One that this process left
behind ended before the content. A replay begins anew, and binds nothing.
"""

STATE: Final = text(
    "SELECT state FROM mailer.deliveries WHERE event_id = :event_id AND recipient = :recipient"
)
"""Tell why a claim was refused."""
