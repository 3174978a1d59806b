"""The append-only file of a Redis that is down: cut back or taken away, for a loss that a kill alone is not.

What a killed server has written survives in the page cache. To lose its last second, its file is cut back to
the size that it had a second before.
"""

import shutil
from pathlib import Path

FOLDER = "appendonlydir"


def written(folder: Path) -> int:
    """Tell how many bytes a server has appended so far; `folder` is where it keeps its data."""
    return _file(folder).stat().st_size


def content(folder: Path) -> bytes:
    """Give all that a server has appended so far."""
    return _file(folder).read_bytes()


def holds(folder: Path, mark: str) -> bool:
    """Tell whether a server has appended a call with `mark` in it, and thereby all that came before."""
    return mark.encode() in content(folder)


def cut_back(folder: Path, *, to: int) -> None:
    """Leave only the first `to` bytes of what was appended."""
    with _file(folder).open("r+b") as file:
        file.truncate(to)


def take_away(folder: Path) -> None:
    """Leave nothing: the server begins empty."""
    shutil.rmtree(folder / FOLDER)


def _file(folder: Path) -> Path:
    (found,) = (folder / FOLDER).glob("*.incr.aof")  # one, as long as the server never rewrote it
    return found
