"""Do people get in? From the request for a code, through its mail, to the session."""

from observability.drawing.expressions import ASKED, WAITED_FOR, increase, or_none, rate, share
from observability.drawing.panels import Dashboard, Panel, Query

_SENT = f'result="sent",{WAITED_FOR}'

SIGN_IN_FUNNEL = Dashboard(
    uid="porter-sign-in",
    title="Sign-in funnel",
    tells="Codes and links requested, sent and answered, and how long a person waits for one.",
    panels=(
        Panel(
            title="Requested, sent, signed in",
            tells="Each step as a rate. Sent well below requested: see Mail delivery. Signed in well below "
            "sent: people give up, or codes arrive too late. A code that is sent again is requested once "
            "more.",
            queries=(
                Query(rate("auth_events_published_total", where=ASKED), "requested"),
                Query(rate("mailer_mails_total", where=_SENT), "sent"),
                Query(rate("auth_logins_total", where='result="signed_in"'), "signed in"),
            ),
            unit="reqps",
            width=16,
            alerts=("CodesUnsent", "OutboxNotMoving", "NoMailerAlive"),
        ),
        Panel(
            title="Answered by a session",
            tells="Of the codes and links sent within the chosen time, the share that let someone in. "
            "Newcomers' codes prove an address and let nobody in yet.",
            queries=(
                Query(
                    share(
                        'sum(increase(auth_logins_total{result="signed_in"}[$__range]))',
                        f"sum(increase(mailer_mails_total{{{_SENT}}}[$__range]))",
                    ),
                    "signed in of sent",
                ),
            ),
            unit="percentunit",
            kind="number",
        ),
        Panel(
            title="Time to code",
            tells="From the request's commit to the mail server's acceptance, by Postgres' clock. The red "
            "line is where the alert begins.",
            queries=(
                Query("code:mailer_event_to_sent_seconds:p50_rate5m", "p50"),
                Query("code:mailer_event_to_sent_seconds:p95_rate5m", "p95"),
                Query("code:mailer_event_to_sent_seconds:p99_rate5m", "p99"),
            ),
            unit="s",
            width=16,
            limit=30,
            alerts=("CodesLate",),
        ),
        Panel(
            title="Longest wait now",
            tells="Age of the oldest code or link that is not sent, and of the oldest event still in "
            "Postgres.",
            queries=(
                Query('stream:mailer_oldest_unsent_seconds:max{stream="login"}', "code"),
                Query("max(auth_outbox_oldest_seconds)", "outbox"),
            ),
            unit="s",
            kind="number",
            limit=60,
            alerts=("CodesUnsent", "OutboxNotMoving"),
        ),
        Panel(
            title="How answers ended",
            tells="What codes and links led to: signed_in, invalid_code, challenge_closed (expired, spent "
            "or foreign), or an account that may not come in.",
            queries=(Query(increase("auth_logins_total", "method", "result"), "{{method}} {{result}}"),),
            bars=True,
        ),
        Panel(
            title="Newcomers and decisions",
            tells="Facts about accounts as they were published.",
            queries=(
                Query(
                    or_none(
                        increase(
                            "auth_events_published_total",
                            "type",
                            where='type=~"porter[.]auth[.](user|account)_.*"',
                        ),
                        "type",
                    ),
                    "{{type}}",
                ),
            ),
            bars=True,
        ),
        Panel(
            title="Sign-in faults (5xx)",
            tells="Share of requests to register or sign in that failed through our fault, over five "
            "minutes and an hour. The allowance is 0.5 % a month; the red line spends it 14.4 times too "
            "fast.",
            queries=(
                Query("job:auth_sign_in_faults:ratio_rate5m", "5 minutes"),
                Query("job:auth_sign_in_faults:ratio_rate1h", "1 hour"),
            ),
            unit="percentunit",
            limit=0.072,
            alerts=("SignInFaultsFast", "SignInFaultsSlow"),
        ),
    ),
)
