"""The services' Redis users may run every command that the services' scripts call."""

import re
from pathlib import Path

import pytest

from tests.support.redis_users import SERVICES, TEMPLATE

ROOT = Path(__file__).parents[2]
FOLDERS = {"auth": ROOT / "auth_service", "mailer": ROOT / "mailer_service"}
CALL = re.compile(r"redis\.p?call\('(\w+)'(?:, '(GROUPS|CONSUMERS|CREATE|DELCONSUMER)')?")


def _allowed(service: str) -> set[str]:
    (line,) = (
        line for line in TEMPLATE.read_text("utf-8").splitlines() if line.startswith(f"user {service} ")
    )
    return set(re.findall(r"\+([a-z|]+)", line))


def _called(service: str) -> set[str]:
    scripts = "".join(path.read_text("utf-8") for path in FOLDERS[service].rglob("*.lua"))
    return {f"{name}|{sub}".rstrip("|").lower() for name, sub in CALL.findall(scripts)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_user_may_run_what_its_services_scripts_call(service: str) -> None:
    called = _called(service)
    assert len(called) > 5
    assert called <= _allowed(service)


@pytest.mark.parametrize("service", SERVICES)
def test_no_user_may_run_what_is_dangerous(service: str) -> None:
    assert _allowed(service).isdisjoint({"flushall", "flushdb", "keys", "config", "debug", "acl", "shutdown"})
    assert "@all" not in _allowed(service)
