"""Does the door answer? Rate, faults and duration of requests, and what limits and caches do."""

from observability.drawing.expressions import increase, or_none, quantile, rate, share
from observability.drawing.panels import Dashboard, Panel, Query

_REQUESTS = "auth_http_request_duration_seconds"
_CALLS = 'route=~"/v1/.*"'

AUTH_API = Dashboard(
    uid="porter-auth",
    title="Auth API",
    tells="The auth service as callers have it.",
    panels=(
        Panel(
            title="Auth services",
            tells="Those that answer Prometheus.",
            queries=(Query('sum(up{job="auth"}) or vector(0)', "alive"),),
            kind="number",
            width=4,
            alerts=("NoAuthAlive",),
        ),
        Panel(
            title="Degraded",
            tells="Whether Redis is done without: limits count in each process, caches are passed by, "
            "events wait.",
            queries=(Query("min by (use) (auth_redis_up)", "{{use}}"),),
            kind="number",
            width=6,
            alerts=("AuthDegraded",),
            words={0: "without Redis", 1: "no"},
        ),
        Panel(
            title="Budget spent (5xx)",
            tells="How many times faster than allowed sign-ins fail, over an hour: at 1 the month's 0.5 % "
            "lasts just the month.",
            queries=(Query("job:auth_sign_in_faults:ratio_rate1h / 0.005", "times the allowance"),),
            kind="number",
            width=6,
            limit=14.4,
            alerts=("SignInFaultsFast", "SignInFaultsSlow"),
        ),
        Panel(
            title="Cache hits",
            tells="Of the looks into a cache, the share that found what they looked for, within the chosen "
            "time.",
            queries=(
                Query(
                    'sum by (cache) (increase(auth_cache_requests_total{result="hit"}[$__range])) '
                    "/ sum by (cache) (increase(auth_cache_requests_total[$__range]))",
                    "{{cache}}",
                ),
            ),
            unit="percentunit",
            kind="number",
        ),
        Panel(
            title="Requests",
            tells="By call or page.",
            queries=(Query(rate(f"{_REQUESTS}_count", "method", "route"), "{{method}} {{route}}"),),
            unit="reqps",
            width=12,
            bars=True,
        ),
        Panel(
            title="Answers",
            tells="By status.",
            queries=(Query(rate(f"{_REQUESTS}_count", "status"), "{{status}}"),),
            unit="reqps",
            width=6,
            bars=True,
        ),
        Panel(
            title="Faults",
            tells="Calls that answered 5xx.",
            queries=(
                Query(
                    or_none(
                        increase(f"{_REQUESTS}_count", "method", "route", where='status=~"5.."'), "route"
                    ),
                    "{{method}} {{route}}",
                ),
            ),
            width=6,
            bars=True,
            alerts=("SignInFaultsFast", "SignInFaultsSlow", "PostgresAway"),
        ),
        Panel(
            title="Duration",
            tells="Of all calls under /v1, from the request's head to the end of its answer.",
            queries=(
                Query(quantile(0.5, _REQUESTS, where=_CALLS), "p50"),
                Query(quantile(0.95, _REQUESTS, where=_CALLS), "p95"),
                Query(quantile(0.99, _REQUESTS, where=_CALLS), "p99"),
            ),
            unit="s",
            width=12,
        ),
        Panel(
            title="Duration by call",
            tells="The 95th percentile.",
            queries=(
                Query(quantile(0.95, _REQUESTS, "method", "route", where=_CALLS), "{{method}} {{route}}"),
            ),
            unit="s",
            width=12,
        ),
        Panel(
            title="Looks into caches",
            tells="hit; miss; stale, checked anew against Postgres; shared, loaded once for several; "
            "bypass, without Redis.",
            queries=(
                Query(rate("auth_cache_requests_total", "cache", "result"), "{{cache}} {{result}}"),
                Query(rate("auth_cache_fills_total", "cache", "result"), "{{cache}} fill {{result}}"),
            ),
            unit="reqps",
            bars=True,
        ),
        Panel(
            title="Denied by limits",
            tells="Requests answered with 429. A policy's name is in the answer.",
            queries=(
                Query(
                    or_none(
                        increase(
                            "auth_rate_limit_decisions_total",
                            "policy",
                            "decision",
                            where='decision=~"denied.*"',
                        ),
                        "policy",
                    ),
                    "{{policy}} {{decision}}",
                ),
            ),
            bars=True,
        ),
        Panel(
            title="Share denied",
            tells="Of what each limit was asked for, what it denied.",
            queries=(
                Query(
                    share(
                        rate("auth_rate_limit_decisions_total", where='decision=~"denied.*"'),
                        rate("auth_rate_limit_decisions_total"),
                    ),
                    "denied",
                ),
            ),
            unit="percentunit",
        ),
    ),
)
