"""The way to Postgres: a bounded pool of connections, and transactions on them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from sqlalchemy import event, select
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from auth_service.model.actors import Actor
from auth_service.model.callers import NOBODY, Caller
from auth_service.storage.faults import outage_of
from auth_service.storage.tables import users
from auth_service.storage.touched import Touched
from auth_service.storage.unit import UnitOfWork


class Database:
    """A pool of at most `connections`, opened as they are needed.

    A statement is given up after `statement_timeout`, waiting for a connection after the same. `on_append`
    is called after each commit that added an event; `on_touch` is awaited before
    `unit` ends where it may have changed what others keep copies of, even where it failed: what was not
    answered may be committed. Making one opens nothing.
    """

    def __init__(
        self,
        sqlalchemy_url: str,
        *,
        connections: int = 10,
        statement_timeout: timedelta = timedelta(seconds=5),
        on_append: Callable[[], object] = lambda: None,
        on_touch: Callable[[Touched], Awaitable[None]] | None = None,
    ) -> None:
        self.engine = _engine(sqlalchemy_url, connections=connections, statement_timeout=statement_timeout)
        self._on_append = on_append
        self._on_touch = on_touch

    @asynccontextmanager
    async def unit(self, *, caller: Caller = NOBODY, actor: Actor | None = None) -> AsyncIterator[UnitOfWork]:
        """Work in one transaction: committed at the end, rolled back on any error.

        Raises `PostgresAway` where Postgres cannot be asked, or has no tables yet. `caller` is who asked for
        it: its events carry their trace, and the audit trail their place. `actor` is whose rights it takes.
        """
        unit: UnitOfWork | None = None
        try:
            async with self.engine.begin() as connection:
                unit = UnitOfWork(connection, caller=caller, actor=actor)
                yield unit
        except Exception as fault:
            if (outage := outage_of(fault)) is not None:
                raise outage from fault
            raise
        finally:
            if unit is not None and unit.touched and self._on_touch is not None:
                await self._on_touch(unit.touched)
        if unit.outbox.appended:
            self._on_append()

    async def answers(self) -> None:
        """Ask Postgres for something small of ours. Raises `PostgresAway` or `NotMigrated`."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(select(users.c.id).limit(0))
        except Exception as fault:
            if (outage := outage_of(fault)) is not None:
                raise outage from fault
            raise

    @property
    def connections_in_use(self) -> int:
        """How many connections of the pool are at work now."""
        pool = self.engine.sync_engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _engine(sqlalchemy_url: str, *, connections: int, statement_timeout: timedelta) -> AsyncEngine:
    seconds = statement_timeout.total_seconds()
    engine = create_async_engine(
        sqlalchemy_url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=seconds,
        hide_parameters=True,  # an error's text travels to logs, and parameters hold addresses
        connect_args={
            "timeout": seconds,  # to connect
            "command_timeout": 2 * seconds,  # should the server not keep its own
            "server_settings": {
                "application_name": "auth_service",
                "statement_timeout": str(int(1000 * seconds)),
                # A relay holds its rows while it talks to Redis, which gives up sooner than this.
                "idle_in_transaction_session_timeout": "30000",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(_: object, entry: ConnectionPoolEntry, __: object) -> None:
    """Pass over pooled connections that Postgres has closed, as after its restart.

    The driver has been told already, so this costs nothing; a ping would cost three round trips.
    """
    if isinstance(entry.driver_connection, asyncpg.Connection) and entry.driver_connection.is_closed():
        raise DisconnectionError
