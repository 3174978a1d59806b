"""Results as they are kept: one JSON file a measurement, written anew by each run."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.drain.systems import ROOT

FOLDER: Final = ROOT / "build" / "bench"


def keep(name: str, rows: Iterable[object], /, **facts: object) -> Path:
    """Write a measurement's rows (dataclasses), and what else must be known to read them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    told = [asdict(row) for row in rows if is_dataclass(row) and not isinstance(row, type)]
    path.write_text(json.dumps({"facts": facts, "rows": told}, indent=1) + "\n")
    return path


def kept(name: str) -> Mapping[str, Any] | None:
    """Read a measurement back; nothing if there was none."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def number(name: str, default: int) -> int:
    """Read a size from the environment, such as `PORTER_BENCH_COUNT`: small ones try the benchmark itself."""
    return int(os.environ.get(f"PORTER_BENCH_{name}", default))
