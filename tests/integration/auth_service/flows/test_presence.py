from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from auth_service.flows.presence import current_session, sign_out
from auth_service.model.tokens import new_token
from auth_service.model.users import Status
from auth_service.storage.sessions import Found
from auth_service.storage.tables import sessions, users
from tests.integration.auth_service.door import Door, StatementLog


async def _sign_in(door: Door) -> str:
    challenge, token = await door.ask((await door.member()).email), new_token()
    await door.answer(challenge.id, await door.mailed_code(challenge.id), token=token)
    return token


async def _who(door: Door, token: str | None) -> Found | None:
    async with door.database.unit() as unit:
        return await current_session(token, unit=unit, rules=door.rules)


async def _age(door: Door, **columns: timedelta) -> None:
    async with door.database.engine.begin() as connection:
        await connection.execute(
            update(sessions).values({name: func.now() - ago for name, ago in columns.items()})
        )


async def _last_seen(door: Door) -> datetime:
    async with door.database.engine.connect() as connection:
        seen: datetime = (await connection.execute(select(sessions.c.last_seen_at))).scalar_one()
        return seen


async def test_a_token_tells_who_is_there_in_one_statement(door: Door) -> None:
    token = await _sign_in(door)
    with StatementLog(door.database) as log:
        found = await _who(door, token)
    assert found is not None
    assert found.user.email == "ada@example.org"
    assert len(log.statements) == 1


@pytest.mark.parametrize("token", [None, "", "A" * 43, "A" * 44, "no token"])
async def test_any_other_text_opens_nothing(door: Door, token: str | None) -> None:
    await _sign_in(door)
    assert await _who(door, token) is None


async def test_signing_out_ends_it(door: Door) -> None:
    token = await _sign_in(door)
    async with door.database.unit() as unit:
        assert await sign_out(token, unit=unit)
        assert not await sign_out(token, unit=unit)
    assert await _who(door, token) is None


async def test_a_session_idles_out(door: Door) -> None:
    token = await _sign_in(door)
    await _age(door, last_seen_at=door.rules.session_idle - timedelta(minutes=1))
    assert await _who(door, token) is not None
    await _age(door, last_seen_at=door.rules.session_idle + timedelta(seconds=1))
    assert await _who(door, token) is None


async def test_a_session_ends_however_much_it_is_used(door: Door) -> None:
    token = await _sign_in(door)
    await _age(door, expires_at=timedelta(seconds=1))
    assert await _who(door, token) is None


async def test_use_is_noted_every_quarter_of_an_hour(door: Door) -> None:
    token = await _sign_in(door)
    before = await _last_seen(door)
    await _who(door, token)
    assert await _last_seen(door) == before
    await _age(door, last_seen_at=timedelta(minutes=16))
    await _who(door, token)
    assert await _last_seen(door) > before


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
async def test_who_is_no_longer_active_is_out_at_once(door: Door, status: Status) -> None:
    token = await _sign_in(door)
    async with door.database.engine.begin() as connection:
        await connection.execute(update(users).values(status=status.value))
    assert await _who(door, token) is None
