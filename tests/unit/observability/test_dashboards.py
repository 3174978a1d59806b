"""Dashboards are what is drawn, what Grafana understands, and lead to the runbook."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from observability.drawing.__main__ import FOLDER, drawn, main

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "tests" / "support" / "grafana_schema"
VALIDATOR = jsonschema_rs.validator_for(json.loads((SCHEMA / "dashboard.schema.json").read_text("utf-8")))
NAMES = ["auth", "mail", "runbook", "sign-in", "stores"]


def dashboard(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))


def test_the_committed_dashboards_are_fresh() -> None:
    assert sorted(path.stem for path in drawn()) == NAMES
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_each_is_valid_by_grafanas_own_types(name: str) -> None:
    faults = [
        f"{'/'.join(map(str, fault.instance_path))}: {fault}"
        for fault in VALIDATOR.iter_errors(dashboard(name))
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("place", "key", "wrong"),
    [
        ("options", "legnd", {}),
        ("fieldConfig", "default", {}),
        ("gridPos", "width", 8),
    ],
)
def test_the_schema_refuses_what_grafana_does_not_know(place: str, key: str, wrong: object) -> None:
    changed = dashboard("mail")
    graph = next(panel for panel in changed["panels"] if panel["type"] == "timeseries")
    graph[place][key] = wrong
    assert not VALIDATOR.is_valid(changed)


def test_the_schema_refuses_values_that_grafana_does_not_know() -> None:
    changed = dashboard("mail")
    graph = next(panel for panel in changed["panels"] if panel["type"] == "timeseries")
    graph["options"]["tooltip"]["mode"] = "every"
    assert not VALIDATOR.is_valid(changed)
    other = dashboard("mail")
    next(panel for panel in other["panels"] if panel["type"] == "stat")["type"] = "gauge"
    assert not VALIDATOR.is_valid(other)


def test_the_types_are_those_of_the_grafana_that_compose_starts() -> None:
    started = re.search(r"grafana/grafana:([\d.]+)", (ROOT / "compose.yaml").read_text("utf-8"))
    pinned = json.loads((SCHEMA / "package.json").read_text("utf-8"))["devDependencies"]["@grafana/schema"]
    assert started is not None
    assert started.group(1) == pinned, "pin that version in package.json and run: npm ci && npm run schema"


def test_no_two_pages_and_no_two_panels_of_a_page_are_one() -> None:
    assert len({dashboard(name)["uid"] for name in NAMES}) == len(NAMES)
    for name in NAMES:
        panels = dashboard(name)["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert len({panel["title"] for panel in panels}) == len(panels)
        for one, other in combinations([panel["gridPos"] for panel in panels], 2):
            apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            assert apart or one["y"] != other["y"]


@pytest.mark.parametrize("name", NAMES)
def test_each_link_leads_to_the_runbooks_panel_of_its_alert(name: str) -> None:
    titles = {panel["id"]: panel["title"] for panel in dashboard("runbook")["panels"]}
    for panel in dashboard(name)["panels"]:
        for link in panel.get("links", []):
            found = re.fullmatch(r"/d/porter-runbook/runbook\?viewPanel=panel-(\d+)", link["url"])
            assert found is not None
            assert link["title"] == f"Runbook: {titles[int(found.group(1))]}"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "runbook"])
def test_each_panel_says_what_it_tells_and_asks_the_provisioned_source(name: str) -> None:
    source = (FOLDER.parent / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    for panel in dashboard(name)["panels"]:
        assert panel["description"].endswith(".")
        for target in panel["targets"]:
            assert f"uid: {target['datasource']['uid']}\n" in source
