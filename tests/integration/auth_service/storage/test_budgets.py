"""Budgets of failures beside a plain model, on a real Postgres; time is what the row says it is."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, literal, update

from auth_service.model.budgets import WINDOW, Budget, strangers_budget
from auth_service.storage.database import Database
from auth_service.storage.tables import budgets
from tests.support.waiting import until

ADA = strangers_budget("ada@example.org", key=b"\x05" * 32)


async def _take(database: Database, budget: Budget = ADA) -> int | None:
    async with database.unit() as unit:
        return await unit.budgets.take(budget)


async def _give_back(database: Database) -> None:
    async with database.unit() as unit:
        await unit.budgets.give_back(ADA)


async def _pass(database: Database, time: timedelta) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(update(budgets).values(since=budgets.c.since - literal(time)))


async def test_ten_may_be_taken_and_not_one_more(database: Database) -> None:
    assert [await _take(database) for _ in range(12)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, None, None]


async def test_of_fifty_at_once_ten_get_one(database: Database) -> None:
    taken = await asyncio.gather(*(_take(database) for _ in range(50)))
    assert sorted(left for left in taken if left is not None) == list(range(10))


async def test_one_given_back_may_be_taken_again(database: Database) -> None:
    for _ in range(10):
        await _take(database)
    await _give_back(database)
    assert [await _take(database), await _take(database)] == [0, None]


async def test_nothing_is_given_back_beyond_what_was_taken(database: Database) -> None:
    await _give_back(database)
    await _take(database)
    await _give_back(database)
    await _give_back(database)
    assert await _take(database) == 9


async def test_another_address_has_its_own(database: Database) -> None:
    for _ in range(10):
        await _take(database)
    assert await _take(database, strangers_budget("grace@example.org", key=b"\x05" * 32)) == 9


async def test_whoever_waits_for_a_budget_sees_what_was_taken_meanwhile(database: Database) -> None:
    for _ in range(9):
        await _take(database)
    async with database.unit() as first:
        assert await first.budgets.take(ADA) == 0
        second = asyncio.create_task(_take(database))
        await until(lambda: _waits(database), within=10)
    assert await second is None


async def _waits(database: Database) -> bool:
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(found.scalar_one())


@dataclass
class _Model:
    """What the rows should come to."""

    spent: int = 0
    age: timedelta | None = None

    def take(self) -> int | None:
        if self.age is None or self.age >= WINDOW:
            self.spent, self.age = 0, timedelta(0)
        if self.spent >= ADA.limit:
            return None
        self.spent += 1
        return ADA.limit - self.spent

    def give_back(self) -> None:
        self.spent = max(0, self.spent - 1)


_STEPS = st.lists(
    st.one_of(st.sampled_from(["take"] * 4 + ["give back"]), st.integers(min_value=1, max_value=30)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_a_budget_counts_a_day_from_its_first_failure(
    database: Database, steps: list[str | int]
) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(delete(budgets))
    model = _Model()
    for step in steps:
        if step == "take":
            assert await _take(database) == model.take()
        elif step == "give back":
            await _give_back(database)
            model.give_back()
        elif isinstance(step, int):
            await _pass(database, timedelta(hours=step))
            if model.age is not None:
                model.age += timedelta(hours=step)
