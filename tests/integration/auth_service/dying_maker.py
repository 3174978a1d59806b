"""`python -m tests.integration.auth_service.dying_maker`: the service, but for the place where it dies.

It dies by `kill -9` when it has committed its first change, before it has dropped anybody's copies of what it
changed.
"""

import os
import signal
import sys

from auth_service import cli, wiring
from auth_service.memory.cache import Cache
from auth_service.storage.touched import Touched


async def die(touched: Touched, *, cache: Cache) -> None:
    """End here, where copies would be dropped."""
    assert touched, cache
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    assert hasattr(wiring, "drop_copies"), "there is nothing to die in"
    wiring.drop_copies = die
    sys.exit(cli.main(["serve"]))
