"""Free ports on the loopback interface."""

import secrets
import socket
from typing import Final

HOST: Final = "127.0.0.1"
"""Everything listens here and nowhere else."""

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
_TRIES: Final = 200
_given: set[int] = set()


def free_port(*, preferred: int | None = None) -> int:
    """Find a port that nobody listens on, and that this function has not given out before.

    Below the range that outgoing connections take theirs from (32768 and up on Linux): a server that is
    restarted on its port would otherwise meet a client that happened to be given the same number.
    """
    if preferred is not None and preferred not in _given and is_free(preferred):
        _given.add(preferred)
        return preferred
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no free port found between {_LOWEST} and {_HIGHEST}")


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
