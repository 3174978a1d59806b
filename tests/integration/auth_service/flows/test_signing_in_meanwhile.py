"""Someone answers with the right code in the very moment in which their account is shut or deleted."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from auth_service.flows.decisions import suspend
from auth_service.flows.deletions import delete_account
from auth_service.flows.outcomes import ChallengeClosed, NotLetIn, SignedIn
from auth_service.model.users import Role
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import person

ROUNDS = 10


async def _suspend(door: Door, user_id: UUID, by: UUID) -> None:
    async with door.database.unit() as unit:
        await suspend(user_id, reason=None, by=by, unit=unit, sealer=door.sealer)


async def _delete(door: Door, user_id: UUID, by: UUID) -> None:
    async with door.database.unit() as unit:
        await delete_account(user_id, by=by, unit=unit, sealer=door.sealer)


async def _sessions_of(door: Door, user_id: UUID) -> int:
    async with door.database.unit() as unit:
        return len(await unit.sessions.end_all_of(user_id))


@pytest.mark.parametrize("deed", [_suspend, _delete])
async def test_whichever_comes_first_no_session_remains(
    door: Door, deed: Callable[[Door, UUID, UUID], Awaitable[None]]
) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN)
    for _ in range(ROUNDS):
        ada = await person(door)
        challenge = await door.ask(ada.email)
        code = await door.mailed_code(challenge.id)
        outcome, _ = await asyncio.gather(door.answer(challenge.id, code), deed(door, ada.id, root.id))
        assert isinstance(outcome, SignedIn | NotLetIn | ChallengeClosed)
        assert await _sessions_of(door, ada.id) == 0
