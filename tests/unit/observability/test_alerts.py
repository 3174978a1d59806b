"""No alert without an answer: each says what to do, and is shown to fire and to keep quiet."""

import re
from typing import Any

import pytest

from observability.drawing import runbook
from observability.drawing.__main__ import DASHBOARDS, HERE
from tests.support.rule_files import TEST_FILES, load, rules, series_in, shorten

RUNBOOK = (HERE / "runbook.md").read_text("utf-8")
SECTIONS = runbook.sections(RUNBOOK)
ALERTS = {rule["alert"]: rule for rule in rules("alert")}
CASES = [case for name in TEST_FILES for test in load(name)["tests"] for case in test["alert_rule_test"]]


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_has_a_section_that_says_how_to_look_and_what_to_do(name: str) -> None:
    section = SECTIONS[name]
    assert section.startswith(f"*{ALERTS[name]['labels']['severity']}.*")
    assert section.index("**Look.**") < section.index("**Do.**")


def test_each_section_has_its_alert() -> None:
    assert SECTIONS.keys() == ALERTS.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_leads_to_its_section(name: str) -> None:
    url = ALERTS[name]["annotations"]["runbook_url"]
    assert url == f"{{{{ $externalLabels.runbook }}}}#{name.lower()}"


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_is_shown_to_fire_and_to_keep_quiet(name: str) -> None:
    fires = [bool(case["exp_alerts"]) for case in CASES if case["alertname"] == name]
    assert set(fires) == {True, False}


def test_the_runbook_speaks_of_panels_and_alerts_that_there_are() -> None:
    titles = {dashboard.title for dashboard in DASHBOARDS}
    titles |= {panel.title for dashboard in DASHBOARDS for panel in dashboard.panels}
    spoken = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", re.sub(r"\s+", " ", RUNBOOK)))
    assert spoken - titles - ALERTS.keys() == {"Targets"}  # a page of Prometheus


def test_each_panel_that_is_drawn_for_an_alert_exists_once() -> None:
    linked = [alert for dashboard in DASHBOARDS for panel in dashboard.panels for alert in panel.alerts]
    assert set(linked) == ALERTS.keys()


def test_shortening_divides_durations_and_leaves_names_and_thresholds() -> None:
    rule: dict[str, Any] = {"expr": "a:b:rate5m > 30 and rate(c_total[5m]) > 0.5", "for": "2m"}
    assert shorten(rule["expr"], by=15) == "a:b:rate5m > 30 and rate(c_total[20000ms]) > 0.5"
    assert shorten("for: 2m", by=15) == "for: 8000ms"


def test_series_are_told_from_labels_and_their_values() -> None:
    expr = 'max by (mailer_x) (auth_a{use="auth_b"}) + a:b_c:max / sum(up{job="auth"}) # {{auth_c}}'
    assert series_in(expr) == {"auth_a", "a:b_c:max", "up"}
