"""What a process has used of the processors."""

import time
from typing import Final

CPUCLOCK_SCHED: Final = 2
"""<linux/posix-timers.h>: what was run, user and system, in nanoseconds."""


def cpu_seconds(pid: int) -> float:
    """Tell what a process has used in all its threads, by the clock that clock_getcpuclockid(3) names."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
