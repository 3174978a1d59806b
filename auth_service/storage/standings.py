"""How someone stands who asks for a challenge, found in one statement whoever has the address."""

from dataclasses import fields
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.budgets import Budget, device_budget, strangers_budget
from auth_service.model.standings import Standing
from auth_service.model.users import Role, Status, User
from auth_service.storage.budgets import counted, is_spent
from auth_service.storage.tables import budgets, devices, users
from auth_service.storage.touched import Touched
from auth_service.storage.users import newcomer

_COLUMNS: Final = tuple(field.name for field in fields(User))
_STRANGERS: Final = budgets.alias("strangers")
_OWN: Final = budgets.alias("own")


class Standings:
    """Looks at users, their devices and the budgets of an address, within one transaction."""

    def __init__(self, connection: AsyncConnection, *, touched: Touched) -> None:
        self._connection = connection
        self._touched = touched

    async def find(self, email: str, *, device_hash: bytes, key: bytes) -> Standing:
        """Tell how whoever asks at `email` stands; without a device `device_hash` is empty.

        `key` is the one that names budgets now.
        """
        nobody = select(literal(1).label("asked")).subquery("nobody")  # a row, even where nobody is found
        source = nobody.outerjoin(users, users.c.email == email)
        strangers, own = _budgets(email, device_hash=device_hash, key=key)
        return await self._look(_query(users, source, device_hash, strangers, own), strangers, own)

    async def find_or_add(self, email: str, *, device_hash: bytes, key: bytes) -> Standing:
        """Tell the same of someone who registers: whom nobody knows is added, unverified and nameless."""
        self._touched.lists = True  # known or not: what is done for both is alike
        found = newcomer(email).returning(users).cte("found")
        strangers, own = _budgets(email, device_hash=device_hash, key=key)
        return await self._look(_query(found, found, device_hash, strangers, own), strangers, own)

    async def _look(self, query: Select[Any], strangers: Budget, own: Budget) -> Standing:
        row = (await self._connection.execute(query)).mappings().one()
        known = row["known"]
        return Standing(
            user=None if row["id"] is None else _user_of({name: row[name] for name in _COLUMNS}),
            budget=own if known else strangers,
            spent=row["own_spent"] if known else row["strangers_spent"],
        )


def _budgets(email: str, *, device_hash: bytes, key: bytes) -> tuple[Budget, Budget]:
    """Give the budget that strangers share at an address, and that of the device that asks."""
    return strangers_budget(email, key=key), device_budget(email, device_hash=device_hash, key=key)


def _query(
    who: FromClause, source: FromClause, device_hash: bytes, strangers: Budget, own: Budget
) -> Select[Any]:
    joined = (
        source.outerjoin(devices, _is_device_of(who, device_hash))
        .outerjoin(_STRANGERS, counted(_STRANGERS, key_hash=strangers.key_hash))
        .outerjoin(_OWN, counted(_OWN, key_hash=own.key_hash))
    )
    return select(
        *(who.c[name] for name in _COLUMNS),
        devices.c.token_hash.is_not(None).label("known"),
        is_spent(_STRANGERS, limit=strangers.limit).label("strangers_spent"),
        is_spent(_OWN, limit=own.limit).label("own_spent"),
    ).select_from(joined)


def _is_device_of(who: FromClause, device_hash: bytes) -> ColumnElement[bool]:
    return and_(devices.c.user_id == who.c.id, devices.c.token_hash == device_hash)


def _user_of(found: dict[str, Any]) -> User:
    return User(**found | {"role": Role(found["role"]), "status": Status(found["status"])})
