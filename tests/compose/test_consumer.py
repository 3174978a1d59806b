"""A consumer of one's own beside the stack in containers, by the lines of the page about it."""

import pytest

from tests.compose.project import CommandFailed, Project, docker
from tests.support.pages import blocks

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

PAGE = "write-your-own-consumer.md"
URL = "redis://analytics:a-long-password@redis:6379/0"
READ = (
    "import sys, redis; r = redis.Redis.from_url(sys.argv[1]); "
    "r.xgroup_create('{auth.accounts}', 'analytics', id='0', mkstream=True); "
    "print(r.xreadgroup('analytics', 'one', {'{auth.accounts}': '>'}) is not None)"
)


def _block(words: str) -> str:
    (found,) = (block for block in blocks(PAGE, "sh") if words in block)
    return found


def test_a_user_added_by_the_page_outlives_starts_and_reads_in_the_stacks_network(project: Project) -> None:
    operator, let_in = _block("redis_cli()"), _block("ACL LOAD")
    assert project.shell(operator + let_in, within=240).strip().endswith("OK")
    project.restart_redis()
    project.run_services("redis")
    project.compose("run", "--rm", "-T", "--no-deps", "secrets", within=240)  # as each start does
    assert project.redis("ACL", "LOAD") == "OK"

    assert _python(project, READ, URL) == "True"
    refused = f"import redis; redis.Redis.from_url({URL!r}).xrange('{{auth.login}}')"
    with pytest.raises(CommandFailed, match="NoPermissionError"):
        _python(project, refused)
    project.redis("XGROUP", "DESTROY", "{auth.accounts}", "analytics")


def _python(project: Project, *words: str) -> str:
    """Run Python in a container of its own in the stack's network, which has a client of Redis."""
    network = f"{project.name}_default"
    python = ("porter-mailer", "/opt/porter/bin/python", "-c")
    return docker("run", "--rm", "--network", network, *python, *words).strip()
