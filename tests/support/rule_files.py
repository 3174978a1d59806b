"""The project's Prometheus files as values, and shortened for tests that cannot wait for minutes."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parents[2] / "observability" / "prometheus"
RULE_FILES: Final = ("recording.rules.yml", "alerts.rules.yml")
TEST_FILES: Final = ("alerts.test.yml", "sign-in.test.yml")

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?<![\w.])(\d+)([smhd])(?!\w)")

_WORD: Final = re.compile(r"\b(?:auth|mailer|faststream|process)_\w+|\b\w+:\w+:\w+|\bup\b")
_NO_SERIES: Final = re.compile(r'"[^"]*"|\{\{.*?\}\}|\bby \([^)]*\)')


def load(name: str) -> dict[str, Any]:
    """Read one of the files."""
    return dict(yaml.safe_load((FOLDER / name).read_text("utf-8")))


def rules(kind: str) -> list[dict[str, Any]]:
    """Give all rules that have this key, `alert` or `record`."""
    return [
        rule
        for name in RULE_FILES
        for group in load(name)["groups"]
        for rule in group["rules"]
        if kind in rule
    ]


def shorten(text: str, *, by: int) -> str:
    """Divide every duration in a rule, a query or the configuration; thresholds stay as they are.

    A name such as `…:ratio_rate5m` keeps its name.
    """
    return _DURATION.sub(lambda found: f"{_milliseconds(*found.groups()) // by}ms", text)


def series_in(expr: str) -> set[str]:
    """Name the series that an expression reads."""
    return set(_WORD.findall(_NO_SERIES.sub("", expr)))


def _milliseconds(count: str, unit: str) -> int:
    return 1000 * int(count) * _SECONDS[unit]
