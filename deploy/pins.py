"""Print the part of requirements.lock that some extras of Porter need, hashes and all, for `pip install -r`.

    python deploy/pins.py auth tracing    what `porter[auth,tracing]` needs
    python deploy/pins.py build-system    what building Porter's wheel needs

Follows the lock's own notes of which package is there for which (`# via`). These know no extras, so now and
then a package too many is let through, and never one too few: `pip --require-hashes` would tell.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_OURS = re.compile(r"porter\[([a-z,]+)\]")


def pins(*groups: str, project: Mapping[str, Any], lock: str) -> str:
    """Give the lock's entries for the groups, in the lock's order.

    Raises `KeyError` for an unknown group, and for what a group asks for and the lock has not.
    """
    entries = dict(_entries(lock))
    needed: set[str] = set()
    wanted = {_normal(name) for group in groups for name in _direct(group, project)}
    if missing := wanted - entries.keys():
        raise KeyError(f"not in requirements.lock, so run 'make lock': {', '.join(sorted(missing))}")
    while wanted:
        needed |= wanted
        wanted = {name for name, entry in entries.items() if needed & _parents(entry)} - needed
    return "".join(entry for name, entry in entries.items() if name in needed)


def _direct(group: str, project: Mapping[str, Any]) -> Iterator[str]:
    """Name what a group asks for by itself, and through Porter's own extras."""
    if group == "build-system":
        requirements = project["build-system"]["requires"]
    else:
        requirements = [
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"][group],
        ]
    for requirement in requirements:
        if ours := _OURS.match(requirement):
            for other in ours[1].split(","):
                yield from _direct(other, project)
        elif name := _NAME.match(requirement):
            yield name[0]


def _entries(lock: str) -> Iterator[tuple[str, str]]:
    """Take the lock apart: each package's name, and its lines."""
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", lock):
        if name := _NAME.match(entry):
            yield _normal(name[0]), entry


def _parents(entry: str) -> set[str]:
    _, _, via = entry.partition("# via")
    return {_normal(name) for name in _NAME.findall(via)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.stdout.write(
        pins(
            *sys.argv[1:],
            project=tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8")),
            lock=(ROOT / "requirements.lock").read_text("utf-8"),
        )
    )
