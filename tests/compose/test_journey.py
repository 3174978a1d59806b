"""The story of Porter, told once more in containers: by the same words as on the bare machine."""

import httpx
import pytest

from tests.compose.project import Project
from tests.e2e.test_register_to_inbox import test_a_newcomer_registers_is_approved_and_signs_in
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

__all__ = ["test_a_newcomer_registers_is_approved_and_signs_in"]


async def test_prometheus_reaches_every_service(project: Project) -> None:
    async with httpx.AsyncClient(base_url=project.prometheus_url, trust_env=False, timeout=10) as client:

        async def both_are_up() -> bool:
            answer = await client.get("/api/v1/query", params={"query": "up == 1"})
            jobs = {series["metric"]["job"] for series in answer.json()["data"]["result"]}
            return {"auth", "mailer"} <= jobs

        await until(both_are_up, within=90, every=1)


async def test_grafana_finds_its_data_source_and_dashboards(project: Project) -> None:
    async with httpx.AsyncClient(base_url=project.grafana_url, trust_env=False, timeout=10) as client:
        assert (await client.get("/api/health")).json()["database"] == "ok"
    found = project.compose(
        "exec", "-T", "grafana", "sh", "-c", "cd /etc/grafana/provisioning && ls */*.yml */*.yaml || :"
    )
    boards = project.compose("exec", "-T", "grafana", "sh", "-c", "ls /var/lib/grafana/dashboards")
    assert {"datasources", "dashboards"} <= {line.partition("/")[0] for line in found.split()}
    assert ".json" in boards


def test_commands_run_where_their_service_runs(project: Project) -> None:
    made = project.compose("exec", "-T", "auth", "auth-service", "admin", "create", "eve@example.org")
    assert made.strip() == "eve@example.org is an administrator and can sign in"
    assert project.compose("exec", "-T", "mailer", "mailer-service", "dead-letters", "list", "--json") == ""
