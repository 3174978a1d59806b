"""What the mailer tells Prometheus about mails."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

mails_total: Final = Counter(
    "mailer_mails_total", "Tries at mails by how they ended.", labelnames=("template", "result")
)
send_duration_seconds: Final = Histogram(
    "mailer_send_duration_seconds",
    "From the claim to the server's 250.",
    labelnames=("template",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
event_to_sent_seconds: Final = Histogram(
    "mailer_event_to_sent_seconds",
    "From the fact to the record of the 250, by Postgres' clock.",
    labelnames=("template",),
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 86400),
)
duplicates_suppressed_total: Final = Counter(
    "mailer_duplicates_suppressed_total", "Mails asked for again after they had ended."
)
smtp_breaker_open: Final = Gauge(
    "mailer_smtp_breaker_open", "1 while this provider is believed away.", labelnames=("provider",)
)
