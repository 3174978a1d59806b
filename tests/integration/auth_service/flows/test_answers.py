import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from auth_service.flows.outcomes import ChallengeClosed, CodeWrong, NotLetIn, SignedIn
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules
from auth_service.model.users import Status, User
from auth_service.storage.database import Database
from auth_service.storage.tables import challenges, sessions, users
from contracts.envelope import unseal
from contracts.events import UserRegistered
from contracts.identifiers import new_id
from contracts.sealing import Newcomer
from tests.integration.auth_service.door import Door, StatementLog, wrong


async def _set_status(door: Door, user: User, status: Status) -> None:
    async with door.database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == user.id).values(status=status.value))


async def test_the_right_code_signs_in(door: Door) -> None:
    ada = await door.member()
    challenge = await door.ask(ada.email)
    outcome = await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert isinstance(outcome, SignedIn)
    assert outcome.user == ada
    assert outcome.session.expires_at - outcome.session.created_at == door.rules.session_life


async def test_a_newcomers_right_code_makes_them_wait_and_tells_every_administrator(door: Door) -> None:
    for address in ("root@example.org", "boss@example.org"):
        await door.admin(address)
    challenge = await door.register("ada@example.org", name="Ada", locale="de")
    assert not any(isinstance(event, UserRegistered) for event in await door.events())
    outcome = await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert isinstance(outcome, NotLetIn)
    assert outcome.user.status is Status.PENDING
    event = (await door.events())[-1]
    assert isinstance(event, UserRegistered)
    assert (event.data.recipients, event.data.locale, event.subject) == (2, "de", str(outcome.user.id))
    box = unseal(event, Newcomer, sealer=door.sealer)
    assert (box.address, box.name) == ("ada@example.org", "Ada")
    assert {each.address for each in box.recipients} == {"root@example.org", "boss@example.org"}


async def test_a_newcomer_is_told_of_even_where_no_administrator_is(door: Door) -> None:
    challenge = await door.register("ada@example.org")
    await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert (await door.events())[-1].data.recipients == 0


async def test_without_approval_a_newcomer_is_in_at_once_and_nobody_is_asked(database: Database) -> None:
    door = Door(database, rules=LoginRules(approval_required=False))
    await door.admin()
    challenge = await door.register("ada@example.org")
    outcome = await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert isinstance(outcome, SignedIn)
    assert outcome.user.status is Status.ACTIVE
    (event,) = (each for each in await door.events() if isinstance(each, UserRegistered))
    assert event.data.recipients == 0
    assert unseal(event, Newcomer, sealer=door.sealer).recipients == ()


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED, Status.SUSPENDED])
async def test_who_is_not_active_is_told_so_and_the_code_is_spent(door: Door, status: Status) -> None:
    ada = await door.member()
    await _set_status(door, ada, status)
    challenge = await door.ask(ada.email)
    code = await door.mailed_code(challenge.id)
    outcome = await door.answer(challenge.id, code)
    assert outcome == NotLetIn(replace(ada, status=status))
    assert await door.answer(challenge.id, code) == ChallengeClosed()


async def test_five_wrong_codes_close_a_challenge(door: Door) -> None:
    ada = await door.member()
    challenge = await door.ask(ada.email)
    code = await door.mailed_code(challenge.id)
    tries = [await door.answer(challenge.id, wrong(code)) for _ in range(6)]
    assert tries == [*(CodeWrong(left) for left in (4, 3, 2, 1, 0)), ChallengeClosed()]
    assert await door.answer(challenge.id, code) == ChallengeClosed()


async def test_fifty_wrong_codes_at_once_have_five_attempts_between_them(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    code = wrong(await door.mailed_code(challenge.id))
    outcomes = await asyncio.gather(*(door.answer(challenge.id, code) for _ in range(50)))
    assert Counter(type(outcome) for outcome in outcomes) == {CodeWrong: 5, ChallengeClosed: 45}


async def test_fifty_right_codes_at_once_make_one_session(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    code = await door.mailed_code(challenge.id)
    outcomes = await asyncio.gather(*(door.answer(challenge.id, code) for _ in range(50)))
    assert Counter(type(outcome) for outcome in outcomes) == {SignedIn: 1, ChallengeClosed: 49}
    async with door.database.engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(sessions))).scalar_one() == 1


async def test_a_decoy_is_answered_like_a_wrong_code_even_by_its_own(door: Door) -> None:
    ada = await door.member()
    real, decoy = await door.ask(ada.email), await door.ask("nobody@example.org")
    wrong_code, own_code = wrong(await door.mailed_code(real.id)), await door.mailed_code(decoy.id)
    with StatementLog(door.database) as known:
        first = await door.answer(real.id, wrong_code)
    with StatementLog(door.database) as unknown:
        second = await door.answer(decoy.id, own_code)
    assert first == second == CodeWrong(attempts_left=4)
    assert known.statements == unknown.statements


async def test_unknown_foreign_and_expired_challenges_are_closed_alike(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    code = await door.mailed_code(challenge.id)
    assert await door.answer(new_id(), code) == ChallengeClosed()
    assert await door.answer(challenge.id, code, binding="C" * 43) == ChallengeClosed()
    async with door.database.engine.begin() as connection:
        await connection.execute(update(challenges).values(expires_at=func.now() - timedelta(seconds=1)))
    assert await door.answer(challenge.id, code) == ChallengeClosed()


async def test_someone_deleted_meanwhile_finds_the_challenge_closed(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    code = await door.mailed_code(challenge.id)
    async with door.database.engine.begin() as connection:
        await connection.execute(users.delete().where(users.c.email == "ada@example.org"))
    assert await door.answer(challenge.id, code) == ChallengeClosed()


async def test_a_code_outlives_the_rotation_of_its_pepper_and_ends_with_it(door: Door) -> None:
    ada = await door.member()
    first, second = await door.ask(ada.email), await door.ask(ada.email)
    rotated = replace(door, peppers=Peppers([b"\x06" * 32, b"\x05" * 32]))
    retired = replace(door, peppers=Peppers([b"\x06" * 32]))
    assert isinstance(await rotated.answer(first.id, await door.mailed_code(first.id)), SignedIn)
    assert isinstance(await retired.answer(second.id, await door.mailed_code(second.id)), CodeWrong)
