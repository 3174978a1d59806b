"""Postgres, one statement at a time, that gives up soon when it is away and is found again by itself."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, TextClause
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolEmpty
from sqlalchemy.ext.asyncio import create_async_engine

OUR_FAULT: Final = ("22", "23")
"""SQLSTATE classes that say something about the values we sent, not about Postgres being there."""

LOCKED: Final = "55P03"
"""lock_not_available: somebody holds a row for longer than `Database` waits for it."""

NOT_MIGRATED: Final = frozenset({"3F000", "42P01", "42703"})
"""No such schema, table or column."""


LOCK_SHARE: Final = 1 / 3
"""Of the patience; so a row that somebody holds is told apart from a Postgres that does not answer."""


class PostgresAway(ConnectionError):
    """Postgres did not do it: unreachable, starting, too slow, full, or not migrated.

    Whether the statement took effect is unknown.
    """

    @property
    def lacks_tables(self) -> bool:
        """Whether Postgres is there, and only what `migrate` makes is not."""
        return isinstance(self.__cause__, DBAPIError) and _sqlstate(self.__cause__) in NOT_MIGRATED

    @property
    def found_it_locked(self) -> bool:
        """Whether Postgres is there, and only a row was locked that the statement asked for."""
        return isinstance(self.__cause__, DBAPIError) and _sqlstate(self.__cause__) == LOCKED


class Database:
    """A bounded pool of autocommitting connections. A call ends within thrice `patience`.

    Statements must bear to be repeated: one that finds its connection dead is tried on a new one.
    """

    def __init__(
        self, sqlalchemy_url: str, *, connections: int = 10, patience: timedelta = timedelta(seconds=3)
    ) -> None:
        seconds = patience.total_seconds()
        self._engine: Final = create_async_engine(
            sqlalchemy_url,
            isolation_level="AUTOCOMMIT",  # each statement is its own transaction: one round trip
            pool_size=connections,
            max_overflow=0,
            pool_timeout=seconds,
            hide_parameters=True,  # errors travel to logs, parameters hold addresses
            connect_args={
                "timeout": seconds,
                "command_timeout": seconds,
                "server_settings": {
                    "application_name": "mailer-service",
                    "lock_timeout": f"{seconds * LOCK_SHARE:.3f}s",
                },
            },
        )

    async def row(self, statement: TextClause, values: Mapping[str, Any]) -> Row[Any] | None:
        """Run a statement that gives at most one row. Raises `PostgresAway`."""
        (row,) = await self.rows(statement, values) or (None,)
        return row

    async def rows(self, statement: TextClause, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Run a statement that gives a bounded number of rows. Raises `PostgresAway`."""
        try:
            return await self._once(statement, values)
        except PostgresAway as away:
            if isinstance(away.__cause__, (TimeoutError, PoolEmpty)) or away.found_it_locked:
                raise
        # The pool's connection had died, perhaps with a Postgres that has long been back.
        return await self._once(statement, values)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._engine.dispose()

    async def _once(self, statement: TextClause, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        try:
            async with self._engine.connect() as connection:
                try:
                    result = await connection.execute(statement, values)
                    return result.all() if result.returns_rows else ()
                except (SQLAlchemyError, OSError):
                    await connection.invalidate()  # whatever state it is in, nobody uses it again
                    raise
        except (SQLAlchemyError, OSError) as fault:
            if isinstance(fault, DBAPIError) and _sqlstate(fault).startswith(OUR_FAULT):
                raise
            raise PostgresAway(_told(fault)) from fault


def _sqlstate(fault: DBAPIError) -> str:
    return getattr(fault.orig, "sqlstate", None) or ""


def _told(fault: Exception) -> str:
    """Tell a fault by its kind: its text may hold a statement's values."""
    if isinstance(fault, DBAPIError) and fault.orig is not None:
        cause = fault.orig.__cause__ or fault.orig
        state = _sqlstate(fault)
        return f"{type(cause).__name__} {state}".strip()
    return type(fault).__name__
