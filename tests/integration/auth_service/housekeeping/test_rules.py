import json

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from auth_service.housekeeping.rules import leftovers
from auth_service.storage.tables import challenges, links
from tests.integration.auth_service.housekeeping.cases import CASES
from tests.integration.auth_service.housekeeping.house import DAY, HOUR, KEEP, House

every_kind = pytest.mark.parametrize("kind", list(CASES))


@every_kind
async def test_what_is_over_goes_and_what_is_not_stays(house: House, kind: str) -> None:
    case = CASES[kind]
    over = {await put(house) for put in case.over}
    kept = {await put(house) for put in case.kept}
    assert await house.ids(case.table) >= over | kept
    await house.keeping().round()
    left = await house.ids(case.table)
    assert (left & over, left >= kept) == (set(), True)
    assert house.deleted(kind) == len(over)


async def test_links_go_with_their_challenge(house: House) -> None:
    await house.challenge(expired=DAY + HOUR)
    kept = await house.challenge(expired=-HOUR)
    await house.keeping().round()
    assert await house.ids(challenges) == {kept}
    assert await house.ids(links) == {kept.bytes * 2}


def test_every_kind_is_tried() -> None:
    assert {leftover.table.name for leftover in leftovers(KEEP).values()} == set(CASES)


def _indexes(plan: object) -> set[str]:
    """Collect the indexes that a plan uses."""
    if isinstance(plan, list):
        return set().union(*map(_indexes, plan))
    if not isinstance(plan, dict):
        return set()
    own = {plan["Index Name"]} if "Index Name" in plan else set()
    return own.union(*map(_indexes, plan.values()))


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("challenges", "challenges_expires_at"),
        ("sessions_expired", "sessions_expires_at"),
        ("sessions_idle", "sessions_last_seen_at"),
        ("outbox", "outbox_published_at"),
        ("audit_events", "audit_events_occurred_at"),
        ("budgets", "budgets_since"),
        ("devices", "devices_last_seen_at"),
        ("users", "users_unverified"),
    ],
)
async def test_what_is_over_is_found_by_an_index(house: House, kind: str, index: str) -> None:
    statement = leftovers(KEEP)[kind].removal(limit=500)
    compiled = statement.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy's own has no types
        compile_kwargs={"literal_binds": True},
    )
    async with house.database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # empty tables need no index
        await connection.execute(text("SET LOCAL enable_sort = off"))
        plan = (await connection.execute(text(f"EXPLAIN (FORMAT JSON) {compiled}"))).scalar_one()
    assert index in _indexes(plan if isinstance(plan, list) else json.loads(plan))
