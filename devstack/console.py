"""What devstack shows on the terminal: steps of its own, and the services' lines behind their names."""

import asyncio
import os
import sys
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Final, TextIO

LOOK_EVERY_SECONDS: Final = 0.1
COLOURS: Final = (36, 33, 35, 34, 32, 96, 93, 95)
GREEN: Final = 32
RED: Final = 31
BOLD: Final = 1
DIM: Final = 2


class Console:
    """Writes lines for people; colours only on a terminal and unless `NO_COLOR` is set (no-color.org)."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self._output = output
        self._coloured = output.isatty() and not os.environ.get("NO_COLOR")
        self._colours = cycle(COLOURS)
        self._chosen: dict[str, int] = {}

    def say(self, sentence: str = "") -> None:
        """Write a line."""
        print(sentence, file=self._output, flush=True)

    def done(self, step: str) -> None:
        """Write a step that has worked."""
        self.say(f"{self.paint('✓', GREEN)} {step}")

    def failed(self, what: str, *, tail: str = "") -> None:
        """Write what did not work, and the end of a log that may tell why."""
        self.say(f"{self.paint('✗', RED)} {what}")
        for line in tail.splitlines():
            self.say(f"  {self.paint('|', DIM)} {line}")

    def line_of(self, name: str, line: str, *, width: int) -> None:
        """Write a program's line behind its name."""
        if name not in self._chosen:
            self._chosen[name] = next(self._colours)
        self.say(f"{self.paint(f'{name:<{width}} |', self._chosen[name])} {line}")

    def paint(self, text: str, code: int) -> str:
        """Colour a text, where colours are shown."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text


async def follow(logs: Mapping[str, Path], *, console: Console, from_start: bool = True) -> None:
    """Show each log's lines behind its name as they are written, until cancelled.

    The programs write to files and devstack reads those, so that a slow terminal never holds a program up.
    """
    width = max(len(name) for name in logs)
    read = {name: 0 if from_start or not log.exists() else log.stat().st_size for name, log in logs.items()}
    while True:
        for name, log in logs.items():
            for line in _new_lines(log, name, read):
                console.line_of(name, line, width=width)
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _new_lines(log: Path, name: str, read: dict[str, int]) -> list[str]:
    """Give the lines that were finished since the last look, and remember how far they went."""
    if not log.exists():
        return []
    with log.open("rb") as opened:
        opened.seek(read[name])
        whole, newline, _ = opened.read().rpartition(b"\n")
    read[name] += len(whole) + len(newline)
    return whole.decode(errors="replace").splitlines()
