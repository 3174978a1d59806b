from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from auth_service.flows.presence import accessing_session, current_session, list_sessions
from auth_service.model.rules import LoginRules
from auth_service.model.users import Status
from auth_service.storage.database import Database
from auth_service.storage.sessions import Found
from auth_service.storage.tables import sessions
from tests.integration.auth_service.door import StatementLog
from tests.integration.auth_service.presences import age, present, set_status

RULES = LoginRules()


async def _who(database: Database, token: str | None) -> Found | None:
    async with database.unit() as unit:
        return await current_session(token, unit=unit, rules=RULES)


async def _who_accesses(database: Database, access: str | None) -> Found | None:
    async with database.unit() as unit:
        return await accessing_session(access, unit=unit, rules=RULES)


async def _last_seen(database: Database) -> datetime:
    async with database.engine.connect() as connection:
        seen: datetime = (await connection.execute(select(sessions.c.last_seen_at))).scalar_one()
        return seen


async def test_a_token_tells_who_is_there_in_one_statement(database: Database) -> None:
    ada = await present(database)
    with StatementLog(database) as log:
        found = await _who(database, ada.token)
    assert found is not None
    assert (found.user, found.session) == (ada.user, ada.session)
    assert len(log.statements) == 1


async def test_either_token_is_good_for_its_own_purpose_only(database: Database) -> None:
    ada = await present(database)
    found = await _who_accesses(database, ada.access)
    assert found is not None
    assert (found.user, found.session) == (ada.user, ada.session)
    assert await _who(database, ada.access) is None
    assert await _who_accesses(database, ada.token) is None


@pytest.mark.parametrize("token", [None, "", "A" * 43, "A" * 44, "no token"])
async def test_any_other_text_opens_nothing(database: Database, token: str | None) -> None:
    await present(database)
    assert await _who(database, token) is None
    assert await _who_accesses(database, token) is None


async def test_a_session_idles_out(database: Database) -> None:
    ada = await present(database)
    await age(database, ada.session.id, last_seen_at=RULES.session_idle - timedelta(minutes=1))
    assert await _who(database, ada.token) is not None
    await age(database, ada.session.id, last_seen_at=RULES.session_idle + timedelta(seconds=1))
    assert await _who(database, ada.token) is None
    assert await _who_accesses(database, ada.access) is None


async def test_a_session_ends_however_much_it_is_used(database: Database) -> None:
    ada = await present(database)
    await age(database, ada.session.id, expires_at=timedelta(seconds=1))
    assert await _who(database, ada.token) is None
    assert await _who_accesses(database, ada.access) is None


async def test_use_is_noted_every_quarter_of_an_hour(database: Database) -> None:
    ada = await present(database)
    before = await _last_seen(database)
    await _who(database, ada.token)
    await _who_accesses(database, ada.access)
    assert await _last_seen(database) == before
    for who, token in ((_who, ada.token), (_who_accesses, ada.access)):
        await age(database, ada.session.id, last_seen_at=timedelta(minutes=16))
        await who(database, token)
        assert await _last_seen(database) > before


async def test_a_session_that_is_used_in_time_never_idles_out_however_short_that_is(
    database: Database,
) -> None:
    rules = LoginRules(session_idle=timedelta(minutes=10))
    ada = await present(database)
    for _ in range(5):
        async with database.engine.begin() as connection:
            past = sessions.c.last_seen_at - timedelta(minutes=4)
            await connection.execute(update(sessions).values(last_seen_at=past))
        async with database.unit() as unit:
            assert await current_session(ada.token, unit=unit, rules=rules) is not None


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
async def test_who_is_no_longer_active_is_out_at_once(database: Database, status: Status) -> None:
    ada = await present(database)
    await set_status(database, ada.user.id, status.value)
    assert await _who(database, ada.token) is None
    assert await _who_accesses(database, ada.access) is None


async def test_only_ones_own_sessions_that_stand_are_listed_and_the_newest_first(database: Database) -> None:
    made = [await present(database) for _ in range(5)]
    await present(database, "grace@example.org")
    await age(database, made[1].session.id, last_seen_at=RULES.session_idle + timedelta(seconds=1))
    await age(database, made[3].session.id, expires_at=timedelta(seconds=1))
    async with database.unit() as unit:
        listed = await list_sessions(made[0].user.id, unit=unit, rules=RULES)
    assert [session.id for session in listed] == [made[4].session.id, made[2].session.id, made[0].session.id]
