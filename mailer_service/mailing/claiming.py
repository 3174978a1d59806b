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
    WITH claimed AS (
        INSERT INTO mailer.deliveries AS known (
            event_id, recipient, position, event_type, template, stream, occurred_at, expires_at, owner,
            claim, claimed_at, attempts, state, message_id, provider, reason, ended_at
        )
        SELECT
            given.*, now(), CAST(:attempt AS integer), verdict.state,
            CASE verdict.state WHEN 'sending' THEN CAST(:message_id AS text) END,
            CASE verdict.state WHEN 'sending' THEN CAST(:provider AS text) END,
            CASE verdict.state WHEN 'expired' THEN 'expired' WHEN 'suppressed' THEN 'bounced' END,
            CASE WHEN verdict.state <> 'sending' THEN now() END
        FROM (
            VALUES (
                CAST(:event_id AS uuid), CAST(:recipient AS text), CAST(:position AS smallint),
                CAST(:event_type AS text), CAST(:template AS text), CAST(:stream AS text),
                CAST(:occurred_at AS timestamptz), CAST(:expires_at AS timestamptz), CAST(:owner AS text),
                CAST(:claim AS uuid)
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
                            WHEN known.state = 'sending' AND known.claim <> CAST(:left_behind AS uuid)
                                THEN now()
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
                known.owner = ANY(CAST(:taken_from AS text[]))
                OR known.claimed_at < now() - CAST(:stale_after AS interval)
                OR known.claim = CAST(:left_behind AS uuid)
            )
            OR known.state = ANY(CAST(:reopened AS text[]))
        RETURNING
            known.state, known.unclear, known.provider,
            known.unclear > 0 OR coalesce(known.taken_over_at > now() - CAST(:bound_for AS interval), false)
                AS bound
    ), nameless AS (
        DELETE FROM mailer.deliveries
        WHERE event_id = :event_id AND recipient = '' AND position = :position AND state = 'dead'
            AND recipient <> CAST(:recipient AS text)
            AND cardinality(CAST(:reopened AS text[])) > 0 AND EXISTS (SELECT FROM claimed)
    )
    SELECT state, unclear, provider, bound FROM claimed
    """
)
"""Take a mail in hand, so that of any number who try at once exactly one does.

It is refused (no row comes back) while another's `sending` stands, even one of the same owner, and once a
final state is recorded. It passes where the row is new or `waiting`; where the claim that stands is of a
consumer that the entry was reclaimed from, is stale, or was left behind by this process (Postgres did not
answer when it was made or let go); and where the final state is one that a replay reopens. A row that `DEAD`
made without a recipient goes where a replay finds out whose mail it was: one row a mail.

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
