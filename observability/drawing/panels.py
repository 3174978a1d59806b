"""Panels and dashboards as values, and as the JSON that Grafana reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Json = dict[str, Any]
Unit = Literal["s", "short", "reqps", "percentunit", "bytes"]

SCHEMA_VERSION: Final = 41
COLUMNS: Final = 24
HEIGHT: Final = 8
TAG: Final = "porter"
DATASOURCE: Final[Mapping[str, str]] = {"type": "prometheus", "uid": "porter-prometheus"}
RUNBOOK_UID: Final = "porter-runbook"


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of Prometheus; `legend` may name labels, as `{{stream}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture. `alerts` are those whose symptom it shows: each is a link to the runbook.

    `limit` draws a line where an alert's threshold is. `bars` stacks what adds up.
    """

    title: str
    tells: str
    queries: Sequence[Query]
    unit: Unit = "short"
    kind: Literal["graph", "number"] = "graph"
    width: int = 8
    bars: bool = False
    limit: float | None = None
    alerts: tuple[str, ...] = ()
    words: Mapping[int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A page of panels, laid out from left to right in the order given."""

    uid: str
    title: str
    tells: str
    panels: Sequence[Panel]


def as_json(dashboard: Dashboard, *, runbook: Sequence[str]) -> Json:
    """Give a dashboard as Grafana reads it; `runbook` names the runbook's sections in their order."""
    places = layout([panel.width for panel in dashboard.panels])
    panels = [
        _panel(panel, number, place, runbook)
        for number, (panel, place) in enumerate(zip(dashboard.panels, places, strict=True), 1)
    ]
    return page(uid=dashboard.uid, title=dashboard.title, tells=dashboard.tells, panels=panels)


def page(*, uid: str, title: str, tells: str, panels: Sequence[Json]) -> Json:
    """Put panels on a page with links to the others."""
    return {
        "uid": uid,
        "title": title,
        "description": tells,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,  # the pointer shows the same moment in every panel
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "title": "Porter",
                "tags": [TAG],
                "asDropdown": False,
                "icon": "dashboard",
                "includeVars": False,
                "keepTime": True,
                "targetBlank": False,
                "tooltip": "",
            }
        ],
        "panels": list(panels),
    }


def layout(widths: Sequence[int], *, height: int = HEIGHT) -> Iterator[Json]:
    """Place panels of these widths side by side, in rows."""
    x = y = 0
    for width in widths:
        if x + width > COLUMNS:
            x, y = 0, y + height
        yield {"x": x, "y": y, "w": width, "h": height}
        x += width


def _panel(panel: Panel, number: int, place: Json, runbook: Sequence[str]) -> Json:
    return {
        "id": number,
        "type": "timeseries" if panel.kind == "graph" else "stat",
        "title": panel.title,
        "description": panel.tells,
        "gridPos": place,
        "datasource": dict(DATASOURCE),
        "links": [_link(alert, runbook) for alert in panel.alerts],
        "targets": [_target(query, ref) for query, ref in zip(panel.queries, "ABCDEFGH", strict=False)],
        "fieldConfig": {"defaults": _fields(panel), "overrides": []},
        "options": _graph_options() if panel.kind == "graph" else _number_options(),
    }


def _link(alert: str, runbook: Sequence[str]) -> Json:
    return {
        "type": "link",
        "title": f"Runbook: {alert}",
        "url": f"/d/{RUNBOOK_UID}/runbook?viewPanel=panel-{runbook.index(alert) + 1}",
        "icon": "doc",
        "tags": [],
        "tooltip": "",
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "targetBlank": True,
    }


def _target(query: Query, ref: str) -> Json:
    return {
        "refId": ref,
        "datasource": dict(DATASOURCE),
        "expr": query.expr,
        "legendFormat": query.legend,
        "range": True,
    }


def _fields(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    fields: Json = {
        "unit": panel.unit,
        "min": 0,
        "color": {"mode": "palette-classic" if panel.kind == "graph" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.words is not None:
        options = {str(value): {"text": word, "index": value} for value, word in panel.words.items()}
        fields["mappings"] = [{"type": "value", "options": options}]
    if panel.kind == "graph":
        fields["custom"] = {
            "drawStyle": "bars" if panel.bars else "line",
            "fillOpacity": 60 if panel.bars else 10,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.bars else "none", "group": "A"},
            "thresholdsStyle": {"mode": "off" if panel.limit is None else "line"},
        }
    return fields


def _graph_options() -> Json:
    return {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _number_options() -> Json:
    return {
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "auto",
        "wideLayout": True,
    }
