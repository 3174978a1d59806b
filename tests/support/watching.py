"""A real Prometheus with the project's configuration, run faster, and what a test asks it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
import yaml

from devstack.ports import HOST, free_port
from devstack.program import Program
from tests.support.rule_files import FOLDER, RULE_FILES, shorten
from tests.support.running import running

PROMETHEUS: Final = shutil.which("prometheus")
FASTER: Final = 15
"""Every duration of the configuration and the rules is divided by this: a scrape takes place each second."""


class Prometheus:
    """Asks a running Prometheus. A query's durations are shortened as the rules' are."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Tell whether it answers queries."""
        try:
            return self._client.get("/-/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def values(self, expr: str) -> list[float]:
        """Give the numbers that a panel's query has now, those that are none left out."""
        asked = expr.replace("$__rate_interval", "4m").replace("$__range", "15m")
        answer = self._get("/api/v1/query", query=shorten(asked, by=FASTER))
        numbers = [float(series["value"][1]) for series in answer["result"]]
        return [number for number in numbers if number == number]  # noqa: PLR0124 - NaN is not itself

    def families(self) -> dict[str, str]:
        """Give the kind of every series that a service declares, whether or not it has samples yet."""
        return {name: told[0]["type"] for name, told in self._get("/api/v1/metadata").items()}

    def names(self) -> set[str]:
        """Name every series that has samples, and every one that a service declares."""
        return {*self._get("/api/v1/label/__name__/values"), *self.families()}

    def labels(self, series: str) -> set[str]:
        """Name the labels that a series has of its own."""
        given = self._client.get("/api/v1/labels", params={"match[]": series}).json()["data"]
        return set(given) - {"__name__", "job", "instance"}

    def label_values(self, *, of: tuple[str, ...] = ()) -> set[str]:
        """Give every value of the services' labels, or of the labels named."""
        found = self._get("/api/v1/series", **{"match[]": '{job=~".+"}'})
        return {value for series in found for label, value in series.items() if not of or label in of}

    def firing(self) -> dict[str, dict[str, Any]]:
        """Give the alerts that fire, by name."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    def healthy_rules(self) -> dict[str, str]:
        """Give each rule's health, as its last evaluation left it."""
        groups = self._get("/api/v1/rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def _get(self, path: str, **params: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        answer = self._client.get(path, params=params)
        told = answer.json()
        assert told["status"] == "success", told
        return told["data"]


@contextmanager
def watching(environment: Mapping[str, str], *, folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus beside the stack that `environment` describes, with its files shortened in `folder`."""
    for name in RULE_FILES:
        (folder / name).write_text(shorten((FOLDER / name).read_text("utf-8"), by=FASTER))
    (folder / "prometheus.yml").write_text(_configuration(environment))
    port = free_port()
    program = Program(
        name="prometheus",
        command=(
            PROMETHEUS or "",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            "--log.level=warn",
        ),
        folder=folder,
    )
    with (
        Prometheus(f"http://{HOST}:{port}") as prometheus,
        running(program, ready=prometheus.is_ready, log=folder / "prometheus.log"),
    ):
        yield prometheus


def _configuration(environment: Mapping[str, str]) -> str:
    """Give the project's configuration with the stack's ports in place of compose's names."""
    places = {"auth": environment["AUTH_METRICS_URL"], "mailer": environment["MAILER_URL"]}
    written = yaml.safe_load(shorten((FOLDER / "prometheus.yml").read_text("utf-8"), by=FASTER))
    written["global"]["scrape_timeout"] = written["global"]["scrape_interval"]
    for job in written["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [urlsplit(places[job["job_name"]]).netloc]}]
    return str(yaml.safe_dump(written))
