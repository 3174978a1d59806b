"""Which faults say that Postgres is away, and not that we asked it something wrong."""

from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolExhausted

# SQLSTATE classes (PostgreSQL, appendix A): connection, authorisation, missing database, transaction
# rolled back, resources, operator's intervention (statement timeouts too), system error.
_CLASSES: Final = frozenset({"08", "28", "3D", "40", "53", "57", "58"})
# Idle in transaction, read-only after a failover, lock not to be had.
_STATES: Final = frozenset({"25P03", "25006", "55P03"})


class PostgresAway(Exception):
    """Postgres cannot be asked now. What was begun is rolled back, or will be; asking again may succeed."""


def is_away(fault: BaseException) -> bool:
    """Tell an outage from a bug."""
    match fault:
        case PoolExhausted() | OSError() | InterfaceError():  # OSError: refused, reset, timed out
            return True
        case DBAPIError(connection_invalidated=True):
            return True
        case DBAPIError():
            state = str(getattr(fault.orig, "sqlstate", None) or "")
            return state in _STATES or state[:2] in _CLASSES
        case _:
            return False
