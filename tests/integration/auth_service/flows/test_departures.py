from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from auth_service.flows.departures import end_other_sessions, end_session, sign_out
from auth_service.model.audit import Action
from auth_service.model.rules import LoginRules
from auth_service.storage.database import Database
from auth_service.storage.tables import sessions
from contracts.envelope import unseal
from contracts.events import SessionsRevoked
from contracts.identifiers import new_id
from contracts.sealing import Contents
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.presences import AT_HOME, Present, age, audited, present

RULES = LoginRules()


async def _end(door: Door, session_id: UUID, *, by: Present) -> bool:
    async with door.database.unit(caller=AT_HOME) as unit:
        return await end_session(
            session_id, user=by.user, current=by.session, unit=unit, rules=RULES, sealer=door.sealer
        )


async def _end_others(door: Door, *, by: Present, device: str | None = None) -> int:
    async with door.database.unit(caller=AT_HOME) as unit:
        return await end_other_sessions(
            by.user, current=by.session, device=device, unit=unit, rules=RULES, sealer=door.sealer
        )


async def _sign_out(door: Door, token: str | None) -> bool:
    async with door.database.unit(caller=AT_HOME) as unit:
        return await sign_out(token, unit=unit, rules=RULES, sealer=door.sealer) is not None


async def _left(database: Database) -> set[UUID]:
    async with database.engine.connect() as connection:
        return set((await connection.execute(select(sessions.c.id))).scalars())


async def _told(door: Door) -> Sequence[SessionsRevoked]:
    return [event for event in await door.events() if isinstance(event, SessionsRevoked)]


async def test_signing_out_ends_it_and_tells_so(door: Door) -> None:
    ada, elsewhere = await present(door.database), await present(door.database)
    assert await _sign_out(door, ada.token)
    assert await _left(door.database) == {elsewhere.session.id}
    (event,) = await _told(door)
    assert (event.data.session_ids, event.data.reason) == ((ada.session.id,), "signed_out")
    assert (event.subject, event.data.recipients) == (str(ada.user.id), 0)
    assert unseal(event, Contents, sealer=door.sealer).recipients == ()
    (noted,) = await audited(door.database, Action.SIGNED_OUT)
    assert (noted["actor"], noted["subject"]) == (ada.user.id, ada.user.id)
    assert noted["client_address"] == AT_HOME.client_address


@pytest.mark.parametrize("token", [None, "A" * 43, "nonsense"])
async def test_who_is_not_there_cannot_sign_out(door: Door, token: str | None) -> None:
    ada = await present(door.database)
    assert not await _sign_out(door, token)
    assert not await _sign_out(door, ada.access)
    assert await _left(door.database) == {ada.session.id}
    assert await _told(door) == []


async def test_one_signs_out_once(door: Door) -> None:
    ada = await present(door.database)
    assert [await _sign_out(door, ada.token) for _ in range(2)] == [True, False]
    assert len(await _told(door)) == 1


async def test_ones_own_session_elsewhere_is_revoked(door: Door) -> None:
    ada, elsewhere = await present(door.database), await present(door.database)
    assert await _end(door, elsewhere.session.id, by=ada)
    assert await _left(door.database) == {ada.session.id}
    (event,) = await _told(door)
    assert (event.data.session_ids, event.data.reason) == ((elsewhere.session.id,), "revoked")
    (noted,) = await audited(door.database, Action.SESSIONS_REVOKED)
    assert (noted["actor"], noted["reason"]) == (ada.user.id, "revoked")


async def test_ending_the_session_one_is_in_is_signing_out(door: Door) -> None:
    ada = await present(door.database)
    assert await _end(door, ada.session.id, by=ada)
    assert (await _told(door))[0].data.reason == "signed_out"


async def test_what_is_anothers_over_or_unknown_is_not_found_and_that_is_noted(door: Door) -> None:
    ada, grace = await present(door.database), await present(door.database, "grace@example.org")
    over, idle = await present(door.database), await present(door.database)
    await age(door.database, over.session.id, expires_at=timedelta(seconds=1))
    await age(door.database, idle.session.id, last_seen_at=RULES.session_idle + timedelta(seconds=1))
    tried = [grace.session.id, over.session.id, idle.session.id, new_id()]
    assert [await _end(door, session_id, by=ada) for session_id in tried] == [False] * 4
    assert grace.session.id in await _left(door.database)
    assert await _told(door) == []
    assert await audited(door.database, Action.ACCESS_REFUSED) == [
        {
            "reason": "session_not_found",
            "session_id": str(session_id),
            "actor": ada.user.id,
            "subject": None,
            "client_address": AT_HOME.client_address,
        }
        for session_id in tried
    ]


async def test_all_others_end_and_those_that_stood_are_told(door: Door) -> None:
    grace = await present(door.database, "grace@example.org")
    ada, second, third, over = [await present(door.database) for _ in range(4)]
    await age(door.database, over.session.id, expires_at=timedelta(seconds=1))
    assert await _end_others(door, by=ada) == 2
    assert await _left(door.database) == {ada.session.id, grace.session.id}
    (event,) = await _told(door)
    assert set(event.data.session_ids) == {second.session.id, third.session.id}
    assert event.data.reason == "revoked"
    (noted,) = await audited(door.database, Action.SESSIONS_REVOKED)
    assert noted["sessions"] == 2


async def test_where_there_are_no_others_nothing_is_told(door: Door) -> None:
    ada = await present(door.database)
    assert await _end_others(door, by=ada) == 0
    assert await _told(door) == []
    assert await audited(door.database, Action.SESSIONS_REVOKED) == []
