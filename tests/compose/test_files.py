"""Both compose files say what they promise, before anything runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compose.project import CommandFailed, docker
from tests.support.pages import blocks

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

BOTH = ("-f", "compose.yaml", "-f", "compose.production.yaml")
PRODUCTION = {
    "PUBLIC_URL": "https://login.example.org",
    "AUTH_ADMIN_EMAILS": "you@example.org",
    "MAILER_FROM": "Porter <porter@example.org>",
    "MAILER_SMTP_URL_FILE": "/etc/hostname",
}


def config(folder: Path, *files: str, **settings: str) -> dict[str, Any]:
    """Give what Compose makes of the files, with these lines in `.env`. Raises `CommandFailed`."""
    env_file = folder / "env"
    env_file.write_text("\n".join(f"{name}={value}" for name, value in settings.items()), "utf-8")
    return dict(
        json.loads(docker("compose", "--env-file", str(env_file), *files, "config", "--format", "json"))
    )


def test_trying_out_needs_no_setting(tmp_path: Path) -> None:
    services = config(tmp_path)["services"]

    assert {"auth", "mailer", "postgres", "redis", "mailpit", "prometheus", "grafana"} <= services.keys()
    assert services["auth"]["environment"]["PUBLIC_URL"] == "http://localhost:8000"


def test_mailers_can_be_many(tmp_path: Path) -> None:
    for name, service in config(tmp_path)["services"].items():
        assert "container_name" not in service, name
    assert "ports" not in config(tmp_path)["services"]["mailer"]


@pytest.mark.parametrize("missing", PRODUCTION)
def test_production_does_not_start_without_what_only_its_owner_knows(tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name != missing}

    with pytest.raises(CommandFailed, match=f"{missing} is missing a value: set it to"):
        config(tmp_path, *BOTH, **given)


def test_production_mails_by_the_file_alone_and_has_no_inbox(tmp_path: Path) -> None:
    written = "smtp+starttls://porter:canary@mail.example.org:587"
    made = config(tmp_path, *BOTH, **PRODUCTION, MAILER_SMTP_URL=written)

    assert "mailpit" not in json.dumps(made["services"])
    assert "canary" not in json.dumps(made)
    for service in ("mailer", "mailer-migrate"):
        assert "MAILER_SMTP_URL" not in made["services"][service]["environment"]
        assert made["services"][service]["environment"]["MAILER_SMTP_URL_FILE"] == "/run/smtp_url"


def test_production_believes_the_proxy_on_its_own_machine_alone(tmp_path: Path) -> None:
    made = config(tmp_path, *BOTH, **PRODUCTION)
    gateway = made["networks"]["default"]["ipam"]["config"][0]["gateway"]

    assert made["services"]["auth"]["environment"]["AUTH_TRUSTED_PROXIES"] == f"{gateway}/32"
    assert [port["host_ip"] for port in made["services"]["auth"]["ports"]] == ["127.0.0.1"]


def test_the_file_for_what_is_not_handed_on_goes_on_top(tmp_path: Path) -> None:
    (shown,) = blocks("operations.md", "yaml")
    mine = tmp_path / "compose.mine.yaml"
    mine.write_text(shown, "utf-8")
    services = config(tmp_path, *BOTH, "-f", str(mine), **PRODUCTION)["services"]
    mounted = {volume["target"] for volume in services["mailer"]["volumes"]}

    assert mounted == {"/run/secrets", "/run/smtp_url", "/run/fallback_url", "/run/authority.pem"}
    assert services["mailer"]["environment"]["MAILER_SMTP_URL_FILE"] == "/run/smtp_url"
    assert services["mailer"]["environment"]["MAILER_SMTP_FALLBACK_URL_FILE"] == "/run/fallback_url"
    assert services["auth"]["environment"]["CACHE_REDIS_URL_FILE"] == "/run/cache_redis_url"
