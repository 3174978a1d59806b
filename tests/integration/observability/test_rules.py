"""Prometheus' own tool reads the configuration, the rules and every query, and runs the rules' cases."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from observability.drawing.__main__ import FOLDER
from tests.support.rule_files import FOLDER as RULES
from tests.support.rule_files import RULE_FILES, TEST_FILES, shorten

PROMTOOL = shutil.which("promtool")

pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="no promtool on PATH: apt-get install prometheus")


def promtool(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROMTOOL or "", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_configuration_and_its_rules_are_valid() -> None:
    done = promtool("check", "config", "prometheus.yml", folder=RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_case_of_the_rules_holds() -> None:
    done = promtool("test", "rules", *TEST_FILES, folder=RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("cases", "written", "instead"),
    [
        ("alerts.test.yml", "> 1800", "> 18000"),
        ("alerts.test.yml", "> 2.5", "> 1.5"),
        ("alerts.test.yml", "min((mailer_smtp_pause", "max((mailer_smtp_pause"),
        ("alerts.test.yml", "min(auth_postgres_up)", "max(auth_postgres_up)"),
        ("sign-in.test.yml", "14.4 *", "144 *"),
    ],
)
def test_the_cases_notice_a_rule_that_is_weakened(
    tmp_path: Path, cases: str, written: str, instead: str
) -> None:
    for name in (*RULE_FILES, cases):
        text = (RULES / name).read_text("utf-8")
        weakened = text.replace(written, instead) if name == "alerts.rules.yml" else text
        assert name != "alerts.rules.yml" or weakened != text
        (tmp_path / name).write_text(weakened)
    assert promtool("test", "rules", cases, folder=tmp_path).returncode == 1


def test_every_query_of_the_dashboards_is_parsed(tmp_path: Path) -> None:
    queries = [
        target["expr"].replace("$__rate_interval", "1m").replace("$__range", "1h")
        for path in sorted(FOLDER.glob("*.json"))
        for panel in json.loads(path.read_text("utf-8"))["panels"]
        for target in panel.get("targets", [])
    ]
    asked = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": asked}]}))
    done = promtool("check", "rules", "queries.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(queries)} rules found" in done.stdout


def test_the_shortened_rules_are_valid_too(tmp_path: Path) -> None:
    for name in RULE_FILES:
        (tmp_path / name).write_text(shorten((RULES / name).read_text("utf-8"), by=15))
        assert promtool("check", "rules", name, folder=tmp_path).returncode == 0
