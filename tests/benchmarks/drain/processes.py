"""A process and all its children: what they have used, what they hold, and their end."""

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
KILOBYTE: Final = 1024
_PARENT, _USER, _REAPED_SYSTEM = 1, 11, 14
"""Places in /proc/PID/stat (proc_pid_stat(5)), after the name."""


def cpu_seconds(ancestor: int) -> float:
    """Tell what they have used, those that ended among them."""
    ticks = (sum(map(int, stat[_USER : _REAPED_SYSTEM + 1])) for _, stat in _family(ancestor))
    return sum(ticks) * TICK_SECONDS


def resident_bytes(ancestor: int) -> int:
    """Tell how much memory they hold; what they share counts for each."""
    return sum(_resident(pid) for pid, _ in _family(ancestor))


def kill(ancestor: int) -> None:
    """End them by SIGKILL, all at once, as when their machine is gone."""
    for pid, _ in list(_family(ancestor)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _family(ancestor: int) -> Iterator[tuple[int, list[str]]]:
    children = defaultdict(list)
    stats = dict(_stats())
    for pid, stat in stats.items():
        children[int(stat[_PARENT])].append(pid)
    family = [ancestor] if ancestor in stats else []
    for member in family:
        family += children[member]
        yield member, stats[member]


def _stats() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                yield int(path.name), (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * KILOBYTE for line in lines if line.startswith("VmRSS:")), 0)
