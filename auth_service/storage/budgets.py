"""Rows of budgets: failures counted for an address, over all its challenges."""

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.budgets import WINDOW, Budget
from auth_service.storage.tables import budgets

_OVER: Final = budgets.c.since <= func.now() - literal(WINDOW)


class Budgets:
    """The budgets, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(self, budget: Budget) -> int | None:
        """Take one, and tell how many are left; None when none was.

        The row is locked until this transaction ends: of any number at once, no more than the limit get one.
        """
        first = insert(budgets).values(key_hash=budget.key_hash, spent=1)
        taking = first.on_conflict_do_update(
            index_elements=[budgets.c.key_hash],
            set_={
                "spent": case((_OVER, 1), else_=budgets.c.spent + 1),
                "since": case((_OVER, func.now()), else_=budgets.c.since),
            },
            where=or_(_OVER, budgets.c.spent < budget.limit),
        )
        taken = await self._connection.execute(taking.returning(budgets.c.spent))
        spent = taken.scalar_one_or_none()
        return None if spent is None else budget.limit - spent

    async def give_back(self, budget: Budget) -> None:
        """Give back what this transaction took."""
        await self._connection.execute(
            update(budgets)
            .where(budgets.c.key_hash == budget.key_hash)
            .values(spent=func.greatest(budgets.c.spent - 1, 0))
        )


def counted(held: FromClause, *, key_hash: ColumnElement[Any] | bytes) -> ColumnElement[bool]:
    """Tell, to join by, which row of `held` counts now."""
    return and_(held.c.key_hash == key_hash, held.c.since > func.now() - literal(WINDOW))


def is_spent(held: FromClause, *, limit: ColumnElement[Any] | int) -> ColumnElement[bool]:
    """Tell whether the row that was joined has nothing left; without a row all is left."""
    return func.coalesce(held.c.spent >= limit, False)
