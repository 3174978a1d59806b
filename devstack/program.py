"""A program to be run: its command line, environment, and how it is asked to stop."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to start, and as whom.

    `stop_with` is the signal that ends it cleanly. `orphan_with` is the one that the kernel sends it when the
    process that started it dies without a word (Linux only): nothing is left running then.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str | None = None
    stop_with: signal.Signals = signal.SIGTERM
    orphan_with: signal.Signals = signal.SIGKILL

    def start_options(self) -> dict[str, Any]:
        """Give the keyword arguments of `subprocess.Popen` and `asyncio.create_subprocess_exec`.

        Each program leads a session of its own, so that Ctrl-C reaches only the terminal's own process.
        """
        options: dict[str, Any] = {
            "cwd": self.folder,
            "env": dict(self.environment),
            "start_new_session": True,
            "preexec_fn": _end_with_parent(self.orphan_with),
        }
        if self.user is not None:
            options |= {"user": self.user, "group": self.user_group(), "extra_groups": ()}
        return options

    def user_group(self) -> int:
        """Find the primary group of `user`."""
        import pwd  # noqa: PLC0415 - absent outside Unix, needed only for root

        return pwd.getpwnam(self.user or "").pw_gid


def _end_with_parent(orphan_with: signal.Signals) -> Callable[[], None] | None:
    """Make what runs between fork and exec: PR_SET_PDEATHSIG (prctl(2)), after user and group are set."""
    if _LIBC is None:
        return None
    parent, prctl, number = os.getpid(), _LIBC.prctl, int(orphan_with)

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_the_kernel
