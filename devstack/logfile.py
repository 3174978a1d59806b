"""The log files of a stack: one a program, with devstack's own notes among the lines."""

from pathlib import Path
from typing import Final

TAIL_LINES: Final = 20
_TAIL_BYTES: Final = 16_384


def tail(log: Path, *, lines: int = TAIL_LINES) -> str:
    """Give the last lines of a log, empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - _TAIL_BYTES))
        return "\n".join(opened.read().decode(errors="replace").splitlines()[-lines:])


def note(log: Path, sentence: str) -> None:
    """Write a line of devstack's own into a program's log."""
    with log.open("a", encoding="utf-8") as opened:
        opened.write(f"devstack: {sentence}\n")
