"""A server that a whole test session shares."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.program import Program

PATIENCE_SECONDS = 20.0


@contextmanager
def running(program: Program, *, ready: Callable[[], bool], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start `program`, wait until it is ready, and end it afterwards; a failure shows its log."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            program.command, stdout=output, stderr=subprocess.STDOUT, **program.start_options()
        )
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{program.name} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(program.stop_with)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
