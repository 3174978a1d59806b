"""Does mail leave? What waits, what is sent, what fails, and what holds it back."""

from observability.drawing.expressions import increase, or_none, quantile, rate
from observability.drawing.panels import Dashboard, Panel, Query

MAIL_DELIVERY = Dashboard(
    uid="porter-mail",
    title="Mail delivery",
    tells="The mailers: their backlog, their pace, the mail servers' answers, and what was put aside.",
    panels=(
        Panel(
            title="Mailers",
            tells="Mailers whose readers turn.",
            queries=(Query("sum(mailer_alive) or vector(0)", "alive"),),
            kind="number",
            width=4,
            alerts=("NoMailerAlive",),
        ),
        Panel(
            title="Held back",
            tells="Yes while a mailer has paused reading because no mail server, or no ledger, is there.",
            queries=(
                Query("max(mailer_smtp_pause)", "by mail servers"),
                Query("max(mailer_postgres_breaker_open)", "by Postgres"),
            ),
            kind="number",
            width=6,
            limit=1,
            alerts=("MailHeldBack", "MailerHeldBack"),
            words={0: "no", 1: "yes"},
        ),
        Panel(
            title="Mail servers",
            tells="Whether each is believed away.",
            queries=(Query("max by (provider) (mailer_smtp_breaker_open)", "{{provider}}"),),
            kind="number",
            width=6,
            limit=1,
            alerts=("SmtpBreakerOpen",),
            words={0: "there", 1: "away"},
        ),
        Panel(
            title="Dead letters kept",
            tells="Mail that could not be sent, until someone replays or drops it.",
            queries=(Query("stream:mailer_dead_letters:max", "{{stream}}"),),
            kind="number",
            alerts=("DeadLettersGrowing",),
        ),
        Panel(
            title="Sent",
            tells="Mails that a server accepted, by what they are.",
            queries=(Query(rate("mailer_mails_total", "template", where='result="sent"'), "{{template}}"),),
            unit="reqps",
            bars=True,
        ),
        Panel(
            title="Tries that ended otherwise",
            tells="Expired, suppressed, dead and unconfirmed are final; postponed, busy, held, handed_back "
            "and …_away come again.",
            queries=(
                Query(
                    or_none(increase("mailer_mails_total", "result", where='result!="sent"'), "result"),
                    "{{result}}",
                ),
            ),
            bars=True,
            alerts=("MailHeldBack",),
        ),
        Panel(
            title="Oldest unsent",
            tells="Age of the oldest entry that is not finished. Red: the alert for codes.",
            queries=(Query("stream:mailer_oldest_unsent_seconds:max", "{{stream}}"),),
            unit="s",
            limit=60,
            alerts=("CodesUnsent", "MailUnsent"),
        ),
        Panel(
            title="Waiting for a mailer",
            tells="Facts that no mailer has read (lag), entries in mailers' hands (pending), and retries "
            "that wait for their time (delayed).",
            queries=(
                Query("stream:mailer_stream_lag:max", "lag {{stream}}"),
                Query("stream:mailer_stream_pending:max", "pending {{stream}}"),
                Query("stream:mailer_delayed:max", "delayed {{stream}}"),
            ),
            alerts=("CodesUnsent", "MailUnsent", "MailersWithoutRedis"),
        ),
        Panel(
            title="Time to hand a mail over",
            tells="From the claim to the mail server's 250, with the wait for a free slot.",
            queries=(
                Query(quantile(0.5, "mailer_send_duration_seconds"), "p50"),
                Query(quantile(0.95, "mailer_send_duration_seconds"), "p95"),
                Query(quantile(0.99, "mailer_send_duration_seconds"), "p99"),
            ),
            unit="s",
            alerts=("CodesLate",),
        ),
        Panel(
            title="From fact to sent",
            tells="The 95th percentile by mail, waits and retries included.",
            queries=(Query(quantile(0.95, "mailer_event_to_sent_seconds", "template"), "{{template}}"),),
            unit="s",
            alerts=("CodesLate", "MailUnsent"),
        ),
        Panel(
            title="Retries",
            tells="Tries that will be repeated, by reason.",
            queries=(
                Query(
                    or_none(increase("mailer_retries_total", "stream", "reason"), "reason"),
                    "{{stream}} {{reason}}",
                ),
            ),
            bars=True,
            alerts=("CodesLate",),
        ),
        Panel(
            title="Put aside as dead",
            tells="New dead letters, by reason.",
            queries=(
                Query(
                    or_none(increase("mailer_dead_letters_total", "stream", "reason") + " > 0", "reason"),
                    "{{stream}} {{reason}}",
                ),
            ),
            bars=True,
            alerts=("DeadLettersGrowing",),
        ),
        Panel(
            title="Taken over from dead mailers",
            tells="Entries reclaimed from mailers that died or were stuck. Some at each kill; a steady "
            "rate means that mailers keep dying.",
            queries=(
                Query(
                    or_none(increase("mailer_reclaimed_total", "stream", "reason"), "reason"),
                    "{{stream}} {{reason}}",
                ),
            ),
            bars=True,
            alerts=("NoMailerAlive",),
        ),
        Panel(
            title="Repeats that were not mailed twice",
            tells="Events that came again after their mail had ended, as after a Redis that forgot.",
            queries=(Query(increase("mailer_duplicates_suppressed_total"), "repeats"),),
            bars=True,
        ),
    ),
)
