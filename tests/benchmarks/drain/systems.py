"""What is measured side by side, and how each is started."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
ENVIRONMENTS: Final = ROOT / ".venv-bench"
"""A virtual environment for each peer: they do not agree on a version of redis-py."""

WORKERS: Final = "tests.benchmarks.drain.workers"
CONNECTIONS: Final = int(os.environ.get("PORTER_BENCH_CONNECTIONS", "64"))
"""SMTP connections of each; Porter's default is 16."""
JOBS: Final = int(os.environ.get("PORTER_BENCH_JOBS", 2 * CONNECTIONS))
"""What each asynchronous peer has under way at most."""
SILENCE_SECONDS: Final = int(os.environ.get("PORTER_BENCH_SILENCE", "5"))
"""After so long a worker's jobs count as lost, where a system can be told. Porter's default is 10."""


@dataclass(frozen=True, slots=True)
class System:
    """One that sends mails from a queue."""

    name: str
    command: tuple[str, ...]
    """After `python`."""
    peer: str | None = None
    """Whose environment it runs in: a peer's, or Porter's own."""
    module: str | None = None
    """Publishes for it; none where there is no queue."""
    replicas: int = 1
    pipelining: bool = True
    """Whether the mail server offers it; of all of them Porter alone makes use of it."""

    @property
    def python(self) -> Path:
        """The interpreter it runs on."""
        return Path(sys.executable) if self.peer is None else ENVIRONMENTS / self.peer / "bin" / "python"


def _peer(name: str, *command: str) -> System:
    module = f"{WORKERS}.{name.lower()}_worker"
    return System(name, command or ("-m", module), peer=name.lower(), module=module)


PORTER: Final = System("Porter", ("-m", "mailer_service.cli", "run"), module=f"{WORKERS}.porter")
PORTER_TWICE: Final = System(
    "Porter x 2", ("-m", "mailer_service.cli", "run"), module=f"{WORKERS}.porter", replicas=2
)
PORTER_IN_TURN: Final = System(
    "Porter in turn", ("-m", "mailer_service.cli", "run"), module=f"{WORKERS}.porter", pipelining=False
)
BARE_LOOP: Final = System("bare loop", ("-m", f"{WORKERS}.bare_loop"), module=f"{WORKERS}.bare_loop")
READY_BYTES: Final = System("ready-made bytes", ("-m", f"{WORKERS}.ready_bytes"))
PEERS: Final = (
    _peer("streaQ"),
    _peer("SAQ"),
    _peer("arq"),
    _peer(
        "taskiq",
        *("-m", "taskiq", "worker", f"{WORKERS}.taskiq_worker:broker", "--workers", "1"),
        *("--max-async-tasks", str(JOBS), "--ack-type", "when_executed", "--log-level", "WARNING"),
    ),
    _peer(
        "Celery",
        *("-m", "celery", "-A", f"{WORKERS}.celery_worker", "worker", "--pool", "threads"),
        *("--concurrency", str(CONNECTIONS), "--loglevel", "WARNING"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ),
)
ALL: Final = (PORTER, BARE_LOOP, READY_BYTES, *PEERS)


DRAINING: Final = (PORTER, PORTER_IN_TURN, *ALL[1:])


def named(names: str | None, *, among: tuple[System, ...] = ALL) -> tuple[System, ...]:
    """Choose systems by their names, comma-separated; all without any. Raises `KeyError`."""
    if not names:
        return among
    known = {system.name.lower(): system for system in among}
    return tuple(known[name.strip().lower()] for name in names.split(","))
