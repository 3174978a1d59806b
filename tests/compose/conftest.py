"""One stack in containers for all tests of this folder; without a Docker daemon they are skipped."""

from collections.abc import Iterator

import pytest

from tests.compose.beyond_us import is_beyond_us
from tests.compose.project import CommandFailed, Project, docker

CANARY = "canary-in-the-env-file"
NEVER_FROM_THERE = ("SEALING_KEYS", "AUTH_PEPPERS", "DATABASE_URL", "REDIS_URL", "MAILER_SMTP_URL")
"""What a `.env` of a bare installation has as well, and containers must not be given."""

PULL_SECONDS = 300
BUILD_SECONDS = 420
UP_SECONDS = 300


@pytest.fixture(scope="session")
def engine() -> None:
    """Skip what needs a Docker daemon where none answers."""
    try:
        docker("info")
        docker("compose", "version")
    except (CommandFailed, FileNotFoundError) as missing:
        pytest.skip(f"no Docker daemon with Compose v2 answers: {str(missing).splitlines()[-1]}")


@pytest.fixture(scope="session")
def project(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:  # noqa: ARG001 - asked first
    """Lend the running stack, brought up by the one command that the README names."""
    settings = dict.fromkeys(NEVER_FROM_THERE, CANARY)
    project = Project(folder=tmp_path_factory.mktemp("compose"), settings=settings)
    try:
        try:
            project.compose("pull", "--ignore-buildable", "--policy", "missing", within=PULL_SECONDS)
            project.compose("build", within=BUILD_SECONDS)
        except CommandFailed as failed:
            if is_beyond_us(str(failed)):
                pytest.skip(f"the images cannot be had here: {failed}")
            raise
        try:
            project.compose("up", "--wait", within=UP_SECONDS)
        except CommandFailed as failed:
            logs = project.compose("logs", "--no-color", "--tail", "15")
            raise CommandFailed(f"{failed}\n{logs}") from None
        yield project
        assert project.refused() == set()  # no test may have passed by what Redis refused a service
    finally:
        project.down()


@pytest.fixture(scope="session")
def stack(project: Project) -> Project:
    """Lend it under the name by which journeys know a stack."""
    return project
