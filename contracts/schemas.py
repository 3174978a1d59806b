"""The published files: a JSON Schema for each event's `data`, and the AsyncAPI document.

`python -m contracts.schemas` writes them from the event classes; with `--check` it changes nothing and
fails when one is stale. They are made offline and come out the same on every machine.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contracts import asyncapi, jsonschema
from contracts.events import EVENT_TYPES

PUBLISHED: Final = Path(__file__).parent / "published"


def files() -> dict[str, str]:
    """Make every published file: its text by its name."""
    documents = {f"{jsonschema.short_name(event)}.json": jsonschema.of_data(event) for event in EVENT_TYPES}
    documents["asyncapi.json"] = asyncapi.document()
    return {
        name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in documents.items()
    }


def stale(folder: Path) -> list[Path]:
    """Find what in `folder` is not as the event classes say: changed, missing, or of no event."""
    wanted = files()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return [folder / name for name in sorted(wanted.keys() | found) if wanted.get(name) != found.get(name)]


def write(folder: Path) -> list[Path]:
    """Make `folder` say what the event classes say; tell what had to change."""
    changed = stale(folder)
    folder.mkdir(exist_ok=True)
    wanted = files()
    for path in changed:
        if path.name in wanted:
            path.write_text(wanted[path.name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def main(arguments: Sequence[str] | None = None, *, folder: Path = PUBLISHED) -> int:
    """Write the files, or check them; the status is 1 when a check found a stale one."""
    parser = argparse.ArgumentParser(prog="python -m contracts.schemas", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a file is stale")
    if not parser.parse_args(arguments).check:
        write(folder)
        return 0
    found = stale(folder)
    for path in found:
        sys.stderr.write(f"{path} is stale: run 'make schemas' and commit what changes\n")
    return 1 if found else 0


if __name__ == "__main__":  # pragma: no cover - a process of its own runs it
    sys.exit(main())
