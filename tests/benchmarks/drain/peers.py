"""The peers' environments: one virtual environment each, from a lock with hashes, made when first needed.

python -m tests.benchmarks.drain.peers          make those that are missing or whose lock has changed
python -m tests.benchmarks.drain.peers lock     resolve the locks anew
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.benchmarks.drain.systems import ENVIRONMENTS, PEERS

LOCKS: Final = Path(__file__).parent / "locks"
UV: Final = Path(sys.executable).with_name("uv")
"""It is among Porter's own development tools."""


def make_all() -> None:
    """Make what is missing. Raises `subprocess.CalledProcessError`."""
    for system in PEERS:
        assert system.peer is not None
        _make(system.peer)


def _make(peer: str) -> None:
    folder, lock = ENVIRONMENTS / peer, LOCKS / f"{peer}.lock"
    made, wanted = folder / ".made-from", hashlib.sha256(lock.read_bytes()).hexdigest()
    if made.exists() and made.read_text() == wanted:
        return
    sys.stdout.write(f"making the environment of {peer} (once)\n")
    python = folder / "bin" / "python"
    subprocess.run([UV, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run(
        [UV, "pip", "install", "-q", "--require-hashes", "--python", python, "-r", lock], check=True
    )
    made.write_text(wanted)


def lock_all() -> None:
    """Resolve each peer's lock from its list. Raises `subprocess.CalledProcessError`."""
    for wanted in sorted(LOCKS.glob("*.in")):
        subprocess.run(
            [
                *(UV, "pip", "compile", "-q", wanted, "-o", wanted.with_suffix(".lock")),
                *("--universal", "--python-version", "3.11", "--generate-hashes"),
                *("--no-emit-index-url", "--no-header", "--upgrade"),
            ],
            check=True,
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["lock"]:
        lock_all()
    else:
        make_all()
