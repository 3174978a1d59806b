"""The stack in containers, under a name, ports and volumes of its own: what else runs here is left alone."""

import itertools
import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from devstack.ports import free_port
from tests.support.no_limits import NO_LIMITS

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = frozenset({"auth", "mailer"})


class CommandFailed(AssertionError):
    """A Docker command did not do what it was told; the message is its last lines."""


class Project:
    """Runs `docker compose` for one stack. Each call has a deadline, in seconds."""

    def __init__(self, *, folder: Path, settings: Mapping[str, str]) -> None:
        self.name = f"portertest{secrets.token_hex(4)}"
        ports = {
            name: str(free_port())
            for name in ("PORTER_PORT", "PORTER_INBOX_PORT", "PORTER_PROMETHEUS_PORT", "PORTER_GRAFANA_PORT")
        }
        env_file = folder / "env"
        lines = (f"{name}={value}" for name, value in {**NO_LIMITS, **settings, **ports}.items())
        env_file.write_text("\n".join(lines), "utf-8")
        self._compose = ("compose", "-p", self.name, "--env-file", str(env_file), "--progress", "plain")
        self._shell = {"COMPOSE_PROJECT_NAME": self.name, "COMPOSE_ENV_FILES": str(env_file)}
        self.prometheus_url = f"http://127.0.0.1:{ports['PORTER_PROMETHEUS_PORT']}"
        self.grafana_url = f"http://127.0.0.1:{ports['PORTER_GRAFANA_PORT']}"
        self.environment = {
            "AUTH_URL": f"http://localhost:{ports['PORTER_PORT']}",
            "INBOX_URL": f"http://127.0.0.1:{ports['PORTER_INBOX_PORT']}",
            "ADMIN_EMAIL": "admin@example.org",
        }

    def compose(self, *words: str, within: float = 60) -> str:
        """Run `docker compose` and give what it writes. Raises `CommandFailed`."""
        return docker(*self._compose, *words, within=within)

    def shell(self, script: str, *, within: float = 60) -> str:
        """Run lines of the documentation, whose `docker compose` means this stack. Raises `CommandFailed`."""
        return _run(["sh", "-ec", script], within=within, more=self._shell)

    def run_services(self, *words: str) -> None:
        """See that services run, of images that are there, whatever has become of their containers."""
        self.compose("up", "--wait", "--no-build", "--no-deps", *words, within=240)

    def containers(self, service: str = "") -> list[str]:
        """Name the containers, those that have ended among them, by their ids."""
        return self.compose("ps", "--all", "--quiet", *filter(None, [service])).split()

    def inspected(self) -> dict[str, dict[str, Any]]:
        """Tell all that Docker knows of each container, by the containers' names."""
        told = json.loads(docker("inspect", *self.containers()))
        return {each["Name"].removeprefix(f"/{self.name}-"): each for each in told}

    def psql(self, statement: str, *, user: str = "postgres") -> str:
        """Ask Postgres, over its socket. Raises `CommandFailed`."""
        words = ("psql", "-qtA", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", "porter", "-c", statement)
        return self.compose("exec", "-T", "postgres", *words).strip()

    def redis(self, *words: str) -> str:
        """Ask Redis as its operator, whose password is read where it lies."""
        script = (
            'REDISCLI_AUTH=$(cat /run/secrets/operator) exec redis-cli --no-auth-warning --user operator "$@"'
        )
        return self.compose("exec", "-T", "redis", "sh", "-c", script, "redis", *words).strip()

    def refused(self) -> set[str]:
        """Name the services to which Redis has refused something since it started."""
        lines = self.redis("ACL", "LOG", "1000").splitlines()
        return {who for what, who in itertools.pairwise(lines) if what == "username"} & SERVICES

    def restart_redis(self) -> None:
        """Restart it, once it is seen that it refused the services nothing: its record is lost with it."""
        assert self.refused() == set()
        self.compose("restart", "redis")

    def secrets(self) -> set[str]:
        """Read every secret of the stack where its containers read them, and the passwords in its URLs."""
        found = set()
        for service in ("auth", "mailer", "postgres", "redis", "grafana"):
            told = self.compose("exec", "-T", service, "sh", "-c", "grep -h . /run/secrets/*")
            found |= {line for line in told.splitlines() if not line.startswith("user ")}
        passwords = {urlsplit(secret).password or "" for secret in found}
        return {secret for secret in found | passwords if secret}

    def down(self) -> None:
        """Remove everything that the project has made, its volumes too."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10", within=240)


def docker(*words: str, within: float = 60) -> str:
    """Run `docker` in the project's folder and give what it writes. Raises `CommandFailed`."""
    return _run(["docker", *words], within=within, more={})


def _run(command: list[str], *, within: float, more: Mapping[str, str]) -> str:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AUTH_", "MAILER_"))}
    said = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**ours, **more},
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise CommandFailed(f"{said}: not done after {within:g} s") from expired
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise CommandFailed(f"{said}: status {done.returncode}\n{tail}")
    return done.stdout
