import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import select, text
from structlog.testing import capture_logs

from auth_service.housekeeping.rounds import Housekeeping
from auth_service.storage.database import Database
from auth_service.storage.tables import budgets
from tests.integration.auth_service.cable import Cable
from tests.integration.auth_service.conftest import sqlalchemy_url
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.housekeeping.house import DAY, HOUR, House
from tests.support.waiting import until

WITHIN = 10.0
OFTEN = timedelta(seconds=0.05)


@asynccontextmanager
async def _running(*keepings: Housekeeping) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(keeping.run()) for keeping in keepings]
    try:
        yield
    finally:
        for keeping in keepings:
            keeping.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), WITHIN)


async def _old_budgets(house: House, count: int) -> None:
    for _ in range(count):
        await house.budget(age=2 * DAY)


async def test_more_than_a_batch_goes_in_one_round_batch_by_batch(house: House) -> None:
    await _old_budgets(house, 7)
    kept = await house.budget(age=HOUR)
    with StatementLog(house.database) as log:
        await house.keeping(batch_rows=3).round()
    assert await house.ids(budgets) == {kept}
    assert len([statement for statement in log.statements if "DELETE FROM auth.budgets" in statement]) == 3
    assert house.deleted("budgets") == 7


async def test_a_backlog_keeps_no_other_kind_waiting_and_goes_with_the_next_rounds(house: House) -> None:
    await _old_budgets(house, 5)
    await house.device(unseen=401 * DAY)
    keeping = house.keeping(batch_rows=2, batches_max=2)
    await keeping.round()
    assert (house.deleted("budgets"), house.deleted("devices")) == (4, 1)
    await keeping.round()
    assert house.deleted("budgets") == 5


async def test_once_stopped_it_begins_no_other_batch(house: House) -> None:
    await _old_budgets(house, 1)
    keeping = house.keeping()
    keeping.stop()
    await keeping.round()
    assert len(await house.ids(budgets)) == 1


async def test_rounds_are_told_only_where_something_went(house: House) -> None:
    await _old_budgets(house, 2)
    with capture_logs() as lines:
        await house.keeping().round()
        await house.keeping().round()
    assert lines == [{"event": "leftovers_removed", "log_level": "info", "budgets": 2}]


async def test_several_keep_one_house_and_remove_each_row_once(house: House) -> None:
    await _old_budgets(house, 60)
    await asyncio.gather(*(house.keeping(batch_rows=5).round() for _ in range(4)))
    await house.keeping().round()  # what each passed over because another had it in hand
    assert await house.ids(budgets) == set()
    assert house.deleted("budgets") == 60


async def test_a_row_that_is_in_use_is_passed_over(house: House) -> None:
    used, old = await house.budget(age=3 * DAY), await house.budget(age=2 * DAY)
    async with house.database.engine.begin() as user:
        await user.execute(select(budgets).where(budgets.c.key_hash == used).with_for_update())
        await house.keeping().round()
        assert await house.ids(budgets) == {used}
        assert old != used
    await house.keeping().round()
    assert await house.ids(budgets) == set()


async def test_rounds_follow_one_another_until_it_is_stopped(house: House) -> None:
    async with _running(house.keeping(every=OFTEN)):
        for _ in range(3):
            await house.budget(age=2 * DAY)
            await until(lambda: _gone(house), within=WITHIN)


async def _gone(house: House) -> bool:
    return await house.ids(budgets) == set()


async def test_stopping_does_not_wait_for_the_next_round(house: House) -> None:
    async with _running(house.keeping(every=HOUR)):
        pass


async def test_it_keeps_quiet_while_postgres_is_away_and_goes_on_when_it_is_back(
    house: House, postgres_url: str
) -> None:
    cable = Cable(postgres_url)
    beyond = Database(sqlalchemy_url(cable.url))
    await _old_budgets(house, 1)
    keeping = house.keeping(database=beyond, every=OFTEN)
    with capture_logs() as lines:
        async with _running(keeping):
            await cable.mend()
            await until(lambda: _gone(house), within=WITHIN)
            await cable.cut()
            await _old_budgets(house, 1)
            await cable.mend()
            await until(lambda: _gone(house), within=WITHIN)
    await beyond.close()
    await cable.cut()
    assert {line["event"] for line in lines} == {"leftovers_removed"}


async def test_a_surprise_is_told_and_ends_no_later_round(house: House) -> None:
    async def set_aside(there: str, here: str) -> None:
        async with house.database.engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE auth.budgets RENAME COLUMN {there} TO {here}"))

    await _old_budgets(house, 1)
    await set_aside("since", "elsewhere")
    with capture_logs() as lines:
        async with _running(house.keeping(every=OFTEN)):
            await until(
                lambda: [line for line in lines if line["event"] == "housekeeping_stumbled"], within=WITHIN
            )
            await set_aside("elsewhere", "since")
            await until(lambda: _gone(house), within=WITHIN)
