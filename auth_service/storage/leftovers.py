"""Rows that have served their time, removed a few at a time."""

from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Delete, Table, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.storage.tables import users
from auth_service.storage.touched import Touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Rows of `table` that nobody needs any more: those that are `over`, the earliest by `since` first.

    `since` has an index, so that finding a few of them costs what a few cost.
    """

    table: Table
    since: Column[object]
    over: ColumnElement[bool]

    def removal(self, *, limit: int) -> Delete:
        """Make the statement that removes up to `limit` of them, passing over rows that are in use."""
        keys = list(self.table.primary_key)
        found = (
            select(*keys)
            .where(self.over)
            .order_by(self.since)
            .limit(limit)
            .with_for_update(skip_locked=True, of=self.table)
            .cte("found")
        )
        return delete(self.table).where(and_(*(key == found.c[key.name] for key in keys)))


class Leftovers:
    """What is left over, within one transaction."""

    def __init__(self, connection: AsyncConnection, *, touched: Touched) -> None:
        self._connection = connection
        self._touched = touched

    async def remove(self, leftover: Leftover, *, limit: int) -> int:
        """Remove up to `limit` rows; tell how many they were. Others may do so at the same time."""
        removed = (await self._connection.execute(leftover.removal(limit=limit))).rowcount
        if removed and leftover.table is users:  # never such as have a session
            self._touched.lists = True
        return removed
