"""A running stack beside a real Prometheus: what is served, what panels show, and which alerts fire."""

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from devstack.stack import Stack
from devstack.visitor import Visitor, expect
from observability.drawing.__main__ import FOLDER
from tests.support.rule_files import rules, series_in
from tests.support.stacks import own_stack
from tests.support.visits import visits
from tests.support.waiting import until
from tests.support.watching import PROMETHEUS, Prometheus, watching

pytestmark = [
    pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus on PATH: apt-get install prometheus"),
    pytest.mark.asyncio(loop_scope="module"),
]

WITHIN = 90.0

PROMISED = {
    "auth_http_request_duration_seconds": {"route", "method", "status"},
    "auth_events_published_total": {"type"},
    "auth_outbox_unpublished": set(),
    "auth_outbox_oldest_seconds": set(),
    "auth_cache_requests_total": {"cache", "result"},
    "auth_rate_limit_decisions_total": {"policy", "decision"},
    "auth_logins_total": {"method", "result"},
    "auth_redis_up": {"use"},
    "auth_postgres_up": set(),
    "mailer_mails_total": {"template", "result"},
    "mailer_send_duration_seconds": {"template"},
    "mailer_event_to_sent_seconds": {"template"},
    "mailer_retries_total": {"stream", "reason"},
    "mailer_reclaimed_total": {"stream", "reason"},
    "mailer_dead_letters_total": {"stream", "reason"},
    "mailer_stream_lag": {"stream"},
    "mailer_stream_pending": {"stream"},
    "mailer_oldest_unsent_seconds": {"stream"},
    "mailer_delayed": {"stream"},
    "mailer_dead_letters": {"stream"},
    "mailer_smtp_breaker_open": {"provider"},
    "mailer_duplicates_suppressed_total": set(),
    "mailer_alive": set(),
    "mailer_stream_entries": {"stream"},
    "mailer_smtp_pause": set(),
    "mailer_postgres_breaker_open": set(),
    "auth_postgres_connections_in_use": set(),
    "faststream_received_messages_total": {"app_name", "broker", "handler"},
}
"""Series that others build on, with their labels: none is lost or renamed unnoticed."""

RARE = {"mailer_retries_total", "mailer_reclaimed_total"}
"""Those that have no samples while all goes well."""


def panel_queries() -> dict[str, str]:
    """Give every query of the dashboards, by dashboard, panel and letter."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        page = json.loads(path.read_text("utf-8"))
        for panel in page["panels"]:
            for target in panel.get("targets", []):
                found[f"{page['title']} / {panel['title']} / {target['refId']}"] = target["expr"]
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    # Limits that nobody reaches here, so that their decisions are counted.
    async with own_stack(AUTH_LIMIT_CODES_PER_IP="1000/300", AUTH_LIMIT_VERIFY_PER_IP="1000/300") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    with watching(stack.environment, folder=tmp_path_factory.mktemp("prometheus")) as started:
        yield started


def sign_ins(stack: Stack) -> float:
    """Give how many sign-ins the service itself counts now."""
    page = httpx.get(stack.environment["AUTH_METRICS_URL"], trust_env=False).text
    (family,) = (found for found in text_string_to_metric_families(page) if found.name == "auth_logins")
    return sum(sample.value for sample in family.samples if sample.labels.get("result") == "signed_in")


async def test_every_query_of_every_panel_returns_data_when_people_come_and_go(
    stack: Stack, prometheus: Prometheus
) -> None:
    queries = panel_queries()

    def silent() -> list[str]:
        return [panel for panel, expr in queries.items() if not prometheus.values(expr)]

    async with visits(stack.environment):
        try:
            await until(lambda: not silent(), within=WITHIN, every=1)
        except AssertionError:
            assert silent() == []
            raise
    assert len(queries) > 50


async def test_what_panels_show_is_what_happened(stack: Stack, prometheus: Prometheus) -> None:
    def is_shown() -> bool:
        return prometheus.values('sum(auth_logins_total{result="signed_in"})') == [sign_ins(stack)]

    await until(is_shown, within=WITHIN, every=0.5)  # with those whose answer nobody waited for
    before = sign_ins(stack)
    async with Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin:
        await admin.sign_in()
    assert sign_ins(stack) == before + 1
    await until(is_shown, within=WITHIN, every=0.5)
    await until(lambda: prometheus.values("code:mailer_event_to_sent_seconds:p95_rate5m"), within=WITHIN)
    [p95] = prometheus.values("code:mailer_event_to_sent_seconds:p95_rate5m")
    assert 0 < p95 < 30
    assert prometheus.values("max(stream:mailer_stream_entries:max)") >= [1.0]
    assert prometheus.values("job:auth_sign_in_faults:ratio_rate1h") == [0.0]


async def test_every_series_that_is_promised_is_served_with_its_labels(prometheus: Prometheus) -> None:
    families = prometheus.families()
    assert PROMISED.keys() - families.keys() == set()
    for name, labels in PROMISED.items():
        if name not in RARE:
            series = f"{name}_count" if families[name] == "histogram" else name
            assert (name, prometheus.labels(series)) == (name, labels)


async def test_no_series_tells_when_another_began(prometheus: Prometheus) -> None:
    assert {name for name in prometheus.names() if name.endswith("_created")} == set()


async def test_every_series_that_a_rule_or_panel_names_exists(prometheus: Prometheus) -> None:
    named = {
        rule.get("alert") or rule["record"]: rule["expr"] for rule in (*rules("alert"), *rules("record"))
    }
    there = prometheus.names()
    for where, expr in (named | panel_queries()).items():
        found = series_in(expr)
        assert found, where
        plain = {name.removesuffix(end) for name in found for end in ("_bucket", "_count")} | found
        missing = {name for name in found if name not in there and not {name, *plain} & there}
        assert missing == set(), where


async def test_labels_name_kinds_and_never_people(prometheus: Prometheus) -> None:
    named = prometheus.label_values() - prometheus.label_values(of=("instance", "provider", "le"))
    assert "/v1/login/challenges/{challenge_id}/verify" in named
    assert {value for value in named if re.search(r"@|[0-9a-f]{8}-|\d{4}", value)} == set()


async def test_rules_are_evaluated_and_nothing_fires_while_all_is_well(prometheus: Prometheus) -> None:
    assert {name for name, health in prometheus.healthy_rules().items() if health != "ok"} == set()
    await until(lambda: prometheus.firing() == {}, within=30, every=0.5)


@pytest.mark.parametrize(
    ("part", "alerts", "later"),
    [
        ("inbox", {"SmtpBreakerOpen", "MailHeldBack"}, {"CodesUnsent"}),
        ("mailer-1", {"NoMailerAlive"}, set()),
        ("redis", {"AuthDegraded", "MailersWithoutRedis"}, {"OutboxNotMoving"}),
    ],
)
async def test_a_part_that_stops_makes_its_alert_fire_and_no_other(
    stack: Stack, prometheus: Prometheus, part: str, alerts: set[str], later: set[str]
) -> None:
    await stack.process(part).stop()
    try:
        async with Visitor.to(stack.environment, stack.environment["ADMIN_EMAIL"]) as admin:
            expect(await admin.ask_for_code(), 202, f"a request for a code without {part}")
        await until(lambda: prometheus.firing().keys() >= alerts, within=45, every=0.5)
        fired = prometheus.firing()
        assert fired.keys() - later == alerts  # others follow where it lasts, at thresholds not shortened
        for name, alert in fired.items():
            assert alert["annotations"]["runbook_url"].endswith(f"/d/porter-runbook/runbook#{name.lower()}")
    finally:
        await stack.process(part).start()
    await until(lambda: prometheus.firing() == {}, within=45, every=0.5)
