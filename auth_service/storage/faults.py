"""Which faults say that Postgres cannot be asked now, and not that we asked it something wrong."""

from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolExhausted

# SQLSTATE classes (PostgreSQL, appendix A): connection, authorisation, missing database, transaction
# rolled back, resources, operator's intervention (statement timeouts too), system error.
_CLASSES: Final = frozenset({"08", "28", "3D", "40", "53", "57", "58"})
# Idle in transaction, read-only after a failover, lock not to be had.
_STATES: Final = frozenset({"25P03", "25006", "55P03"})
# No such table, no such schema.
_NOT_MIGRATED: Final = frozenset({"42P01", "3F000"})


class PostgresAway(Exception):
    """Postgres cannot be asked now. What was begun is rolled back, or will be; asking again may succeed."""


class NotMigrated(PostgresAway):
    """Postgres answers, and has none of our tables yet."""

    mend = "run 'auth-service migrate'"


def outage_of(fault: BaseException) -> PostgresAway | None:
    """Tell an outage from a bug, for which it gives None."""
    if isinstance(fault, PostgresAway):
        return fault
    if isinstance(fault, DBAPIError) and _state(fault) in _NOT_MIGRATED:
        return NotMigrated(NotMigrated.mend)
    return PostgresAway(type(fault).__name__) if _is_away(fault) else None


def _is_away(fault: BaseException) -> bool:
    match fault:
        case PoolExhausted() | OSError() | InterfaceError():  # OSError: refused, reset, timed out
            return True
        case DBAPIError(connection_invalidated=True):
            return True
        case DBAPIError():
            state = _state(fault)
            return state in _STATES or state[:2] in _CLASSES
        case _:
            return False


def _state(fault: DBAPIError) -> str:
    return str(getattr(fault.orig, "sqlstate", None) or "")
