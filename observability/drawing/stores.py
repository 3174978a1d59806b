"""Redis and Postgres as the services use them: links, backlog, streams, connections."""

from observability.drawing.expressions import increase, or_none, rate
from observability.drawing.panels import Dashboard, Panel, Query

STORES = Dashboard(
    uid="porter-stores",
    title="Redis and Postgres",
    tells="What the services see of their stores. The stores' own health is told by their own exporters.",
    panels=(
        Panel(
            title="Postgres",
            tells="Whether every auth service reaches it.",
            queries=(
                Query("min(auth_postgres_up)", "auth"),
                Query("1 - max(mailer_postgres_breaker_open)", "mailer"),
            ),
            kind="number",
            width=6,
            alerts=("PostgresAway", "MailHeldBack"),
            words={0: "away", 1: "there"},
        ),
        Panel(
            title="Redis",
            tells="Whether it answers and takes events.",
            queries=(Query("min by (use) (auth_redis_up)", "{{use}}"),),
            kind="number",
            width=6,
            alerts=("AuthDegraded", "MailersWithoutRedis"),
            words={0: "away", 1: "there"},
        ),
        Panel(
            title="Connections at work",
            tells="Of each auth process' pool (AUTH_POSTGRES_CONNECTIONS).",
            queries=(Query("auth_postgres_connections_in_use", "{{instance}}"),),
            width=12,
            alerts=("PostgresAway",),
        ),
        Panel(
            title="Outbox",
            tells="Events committed in Postgres and not yet on their stream.",
            queries=(Query("max(auth_outbox_unpublished)", "waiting"),),
            alerts=("OutboxNotMoving",),
        ),
        Panel(
            title="Oldest in the outbox",
            tells="Age of the oldest event that waits. Red: the alert.",
            queries=(Query("max(auth_outbox_oldest_seconds)", "oldest"),),
            unit="s",
            limit=30,
            alerts=("OutboxNotMoving",),
        ),
        Panel(
            title="Events published",
            tells="From Postgres to Redis, by type.",
            queries=(Query(rate("auth_events_published_total", "type"), "{{type}}"),),
            unit="reqps",
            bars=True,
        ),
        Panel(
            title="Entries on the streams",
            tells="Kept for a day (login), 30 days (accounts) and 7 days (sessions), read or not: it "
            "should level off.",
            queries=(Query("stream:mailer_stream_entries:max", "{{stream}}"),),
        ),
        Panel(
            title="Published again",
            tells="Events that Redis had forgotten. After a restart on old data some, else none.",
            queries=(
                Query(or_none(increase("auth_outbox_republished_total", "stream"), "stream"), "{{stream}}"),
            ),
            bars=True,
        ),
        Panel(
            title="Tidied away",
            tells="Rows that had served their time, by table.",
            queries=(Query(increase("auth_housekeeping_deleted_total", "table"), "{{table}}"),),
            bars=True,
        ),
        Panel(
            title="Entries handled",
            tells="By stream and how handling ended, as FastStream counts them.",
            queries=(
                Query(
                    rate("faststream_received_processed_messages_total", "handler", "status"),
                    "{{handler}} {{status}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            title="Memory of the services",
            tells="Resident, by process.",
            queries=(Query("process_resident_memory_bytes", "{{job}} {{instance}}"),),
            unit="bytes",
        ),
        Panel(
            title="Processor time of the services",
            tells="Seconds a second, by process: at 1 a process is at its limit, and wants company.",
            queries=(Query("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}"),),
            limit=1,
        ),
    ),
)
