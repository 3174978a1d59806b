"""Whether a server answers, told in one log line a change."""

import structlog

from auth_service.storage.faults import NotMigrated

log = structlog.get_logger()


class Link:
    """Remembers how long a server has not answered, in failures."""

    def __init__(self, name: str) -> None:
        self._lost, self._found = f"{name}_lost", f"{name}_found"
        self.failures = 0

    def lost(self, fault: BaseException) -> None:
        """Note a failure; only the first in a row is a line."""
        self.failures += 1
        if self.failures == 1:
            mend = {"mend": fault.mend} if isinstance(fault, NotMigrated) else {}
            log.warning(self._lost, error=type(fault).__name__, **mend)

    def found(self) -> None:
        """Note that it answers; a line if it did not before."""
        if self.failures:
            log.info(self._found, failures=self.failures)
        self.failures = 0
