"""Where a server's program comes from: PATH, or a wheel that brings it."""

import importlib.util
from pathlib import Path
from typing import Literal, get_args

Origin = Literal["path", "wheel"]


class ServerMissing(Exception):
    """A server is nowhere on this machine; the message names the mend."""


def read_origin(forced: str | None) -> Origin | None:
    """Understand `DEVSTACK_SERVERS`. Raises `ValueError` naming the mend."""
    if not forced:
        return None
    for origin in get_args(Origin):
        if forced == origin:
            return origin  # type: ignore[no-any-return]  # get_args is untyped
    raise ValueError(f"DEVSTACK_SERVERS: {forced!r} is unknown: set it to path or wheel, or unset it")


def wheel_folder(package: str) -> Path | None:
    """Find an installed package's folder without importing it."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None
