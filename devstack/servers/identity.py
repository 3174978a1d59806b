"""Who runs a server that refuses to be run by root."""

import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import Final

CANDIDATES: Final = ("postgres", "nobody")


def unprivileged_user() -> str | None:
    """Name the account that root hands Postgres to; None where nobody needs to be."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise LookupError(f"running as root, and none of the users {', '.join(CANDIDATES)} exists")


def hand_over(folder: Path, *, to: str | None) -> None:
    """Make `folder`, owned by the user `to`, who may also pass through its parent."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if to is not None:
        shutil.chown(folder, user=to)
        let_pass(folder.parent)


def let_pass(folder: Path) -> None:
    """Let other users pass through a folder that they still cannot list."""
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)


def open_to_everyone(folder: Path) -> bool:
    """Tell whether every folder on the way may be passed by any user."""
    whole = folder.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (whole, *whole.parents))
