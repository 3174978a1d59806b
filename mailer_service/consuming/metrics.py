"""What the consuming core counts and shows. Labels are lanes and short words, never ids or addresses."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Metric


class GaugeBesideCounter(Gauge):
    """A gauge `x` beside a counter `x_total`: two names to Prometheus, one to the client library."""

    def describe(self) -> Iterable[Metric]:
        """Claim no name: the counter has claimed the stem."""
        return ()


retries = Counter("mailer_retries_total", "Entries that will be tried again.", ["stream", "reason"])
reclaimed = Counter(
    "mailer_reclaimed_total", "Entries taken over from dead or stuck consumers.", ["stream", "reason"]
)
dead_letters_total = Counter(
    "mailer_dead_letters_total", "Entries kept aside as dead letters.", ["stream", "reason"]
)
smtp_pause = Gauge("mailer_smtp_pause", "1 while reading is paused because no mail server is there.")
postgres_breaker_open = Gauge("mailer_postgres_breaker_open", "1 while reading is paused for Postgres.")
alive = Gauge("mailer_alive", "1 while this mailer's readers turn, as /healthz tells.")
length = Gauge("mailer_stream_entries", "Entries that the stream holds, read or not.", ["stream"])
lag = Gauge("mailer_stream_lag", "Facts that the group has not read yet.", ["stream"])
pending = Gauge("mailer_stream_pending", "Entries in the hands of consumers.", ["stream"])
oldest_unsent = Gauge("mailer_oldest_unsent_seconds", "Age of the oldest unfinished entry.", ["stream"])
delayed = Gauge("mailer_delayed", "Retries that wait for their time.", ["stream"])
dead_letters = GaugeBesideCounter("mailer_dead_letters", "Dead letters that are kept.", ["stream"])
