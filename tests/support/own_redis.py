"""A Redis of a test's own, to be killed, started again on its data, or made a replica."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.answers import redis_answers
from devstack.ports import free_port
from devstack.servers import redis
from tests.support import blocking
from tests.support.redis import ORIGINS, _found

PATIENCE_SECONDS = 20.0
KINDS = [kind for kind in _found() if kind in ORIGINS]
"""The servers that a test can start for itself."""


class OwnRedis:
    """The server's process; it keeps its data in `folder`, as the stack's own does."""

    def __init__(self, kind: str, folder: Path) -> None:
        binary = redis.find_binary(ORIGINS[kind])
        self._server = redis.Redis(binary=binary, folder=folder, port=free_port())
        self.folder = folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self._server.url

    def start(self) -> None:
        """Start it, on the data it has, and wait until it answers."""
        self.launch()
        end = time.monotonic() + PATIENCE_SECONDS
        while not blocking.run(redis_answers(self.url)):
            assert time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.02)

    def launch(self) -> None:
        """Start it and do not wait. It ends with the thread that does this."""
        program = self._server.program(append_only="everysec")
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                program.command, stdout=output, stderr=output, **program.start_options()
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP, and later SIGCONT."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def own_redis(kind: str, folder: Path) -> Iterator[OwnRedis]:
    """Lend a running server."""
    server = OwnRedis(kind, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
