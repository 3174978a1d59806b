import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from auth_service.flows.address_changes import Moved
from auth_service.flows.outcomes import ChallengeClosed, CodeWrong
from auth_service.flows.resending import PLACEHOLDER
from auth_service.model.audit import Action
from auth_service.model.budgets import STRANGERS_FAILURES
from auth_service.model.challenges import Challenge
from auth_service.model.tokens import token_hash
from auth_service.model.users import Status, User
from auth_service.storage.tables import challenges, outbox, sessions, users
from contracts.envelope import unseal
from contracts.events import AddressChanged, OtpRequested, SessionsRevoked, UnknownAddressChallenged
from contracts.identifiers import new_id
from contracts.sealing import AddressMove, LoginCode, Recipient
from tests.integration.auth_service.door import Door, StatementLog, wrong
from tests.integration.auth_service.moves import NEW, Move
from tests.integration.auth_service.presences import AT_HOME, age, audited, present, set_status

OLD = "ada@example.org"


async def _moving(door: Door, email: str = OLD) -> Move:
    return Move(door, await present(door.database, email))


async def _user(door: Door, user_id: UUID) -> User:
    async with door.database.unit() as unit:
        return await unit.users.get_locked(user_id)


async def test_a_code_goes_to_the_new_address_says_what_it_is_for_and_names_nobody(door: Door) -> None:
    ada = await _moving(door)
    challenge = await ada.ask()
    (event,) = await door.events()
    assert isinstance(event, OtpRequested)
    assert (event.data.purpose, event.data.user_id) == ("address_change", ada.who.user.id)
    box = unseal(event, LoginCode, sealer=door.sealer)
    assert box.recipients == (Recipient(address=NEW, name="", locale="en"),)
    assert (challenge.purpose, challenge.method) == ("address_change", "otp")


async def test_the_right_code_moves_the_account_and_tells_the_address_before(door: Door) -> None:
    ada = await _moving(door)
    outcome = await ada.answer(*await ada.asked())
    assert isinstance(outcome, Moved)
    assert (outcome.user.email, outcome.user.version) == (NEW, ada.who.user.version + 1)
    assert await _user(door, ada.who.user.id) == outcome.user
    event = (await door.events())[-1]
    assert isinstance(event, AddressChanged)
    box = unseal(event, AddressMove, sealer=door.sealer)
    assert box.recipients == (Recipient(address=OLD, name="Ada", locale="en"),)
    assert box.new_address == NEW
    (noted,) = await audited(door.database, Action.ADDRESS_CHANGED)
    assert noted == {
        "actor": ada.who.user.id,
        "subject": ada.who.user.id,
        "client_address": AT_HOME.client_address,
    }


async def test_every_other_session_ends_and_this_one_stays(door: Door) -> None:
    ada, elsewhere = await _moving(door), await present(door.database)
    outcome = await ada.answer(*await ada.asked())
    assert isinstance(outcome, Moved)
    assert outcome.ended == 1
    event = (await door.events())[-1]
    assert isinstance(event, SessionsRevoked)
    assert (event.data.session_ids, event.data.reason) == ((elsewhere.session.id,), "address_changed")
    async with door.database.engine.connect() as connection:
        assert list((await connection.execute(select(sessions.c.id))).scalars()) == [ada.who.session.id]


@pytest.mark.parametrize("taken", ["grace@example.org", OLD])
async def test_an_address_that_somebody_has_gets_a_decoy_at_the_same_cost(door: Door, taken: str) -> None:
    ada, _ = await _moving(door), await present(door.database, "grace@example.org")
    with StatementLog(door.database) as free:
        await ada.ask()
    with StatementLog(door.database) as decoy:
        challenge = await ada.ask(taken)
    assert free.statements == decoy.statements
    event = (await door.events())[-1]
    assert isinstance(event, UnknownAddressChallenged)
    own_code = await door.mailed_code(challenge.id)
    assert await ada.answer(challenge.id, own_code) == CodeWrong(attempts_left=4)
    assert (await _user(door, ada.who.user.id)).email == OLD


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.UNVERIFIED])
async def test_whoever_has_the_address_keeps_it_wherever_their_account_stands(
    door: Door, status: Status
) -> None:
    grace = await present(door.database, NEW)
    await set_status(door.database, grace.user.id, status.value)
    await (await _moving(door)).ask()
    assert isinstance((await door.events())[-1], UnknownAddressChallenged)


async def test_who_never_proved_an_address_has_no_claim_to_it(door: Door) -> None:
    ada = await _moving(door)
    async with door.database.unit() as unit:
        squatter = await unit.users.find_or_add(NEW)
    assert isinstance(await ada.answer(*await ada.asked()), Moved)
    async with door.database.engine.connect() as connection:
        left = set((await connection.execute(select(users.c.id))).scalars())
    assert left == {ada.who.user.id}
    (noted,) = await audited(door.database, Action.DELETED)
    assert (noted["actor"], noted["subject"]) == (ada.who.user.id, squatter.id)
    assert (noted["status"], noted["reason"]) == ("unverified", "address_taken_over")


async def test_the_account_knows_no_device_any_more_but_the_movers_own(door: Door) -> None:
    ada, grace = await _moving(door), await present(door.database, "grace@example.org")
    mine, thiefs = "M" * 43, "T" * 43
    async with door.database.unit() as unit:
        for device in (mine, thiefs):
            await unit.devices.see(token_hash(device), user_id=ada.who.user.id)
        await unit.devices.see(token_hash(thiefs), user_id=grace.user.id)
    assert isinstance(await ada.answer(*await ada.asked(), device=mine), Moved)
    async with door.database.unit() as unit:
        assert await unit.acquaintances.knows(token_hash(mine), email=NEW)
        assert not await unit.acquaintances.knows(token_hash(thiefs), email=NEW)
        assert await unit.acquaintances.knows(token_hash(thiefs), email="grace@example.org")


async def test_a_refused_answer_is_noted_with_who_gave_it(door: Door) -> None:
    ada, grace = await _moving(door), await _moving(door, "grace@example.org")
    challenge_id, code = await ada.asked()
    await ada.answer(challenge_id, wrong(code))
    await grace.answer(challenge_id, code, binding="C" * 43)
    await grace.answer(challenge_id, code)
    hers, his = ada.who.user.id, grace.who.user.id
    noted = await audited(door.database, Action.SIGN_IN_REFUSED)
    assert [(row["reason"], row["actor"]) for row in noted] == [
        ("invalid_code", hers),
        ("challenge_closed", his),
        ("challenge_closed", his),
    ]
    assert noted[0]["subject"] == hers


async def test_an_address_that_was_taken_meanwhile_stays_where_it_is(door: Door) -> None:
    ada = await _moving(door)
    asked = await ada.asked()
    grace = await present(door.database, NEW)
    assert await ada.answer(*asked) == ChallengeClosed()
    assert (await _user(door, ada.who.user.id)).email == OLD
    assert (await _user(door, grace.user.id)).email == NEW
    assert not any(isinstance(event, AddressChanged) for event in await door.events())
    assert await ada.answer(*asked) == ChallengeClosed()


async def test_of_two_who_want_one_address_at_once_one_gets_it(door: Door) -> None:
    movers = [await _moving(door, f"user{number}@example.org") for number in range(4)]
    asked = [await mover.asked() for mover in movers]
    outcomes = await asyncio.gather(*(mover.answer(*each) for mover, each in zip(movers, asked, strict=True)))
    assert Counter(type(outcome) for outcome in outcomes) == {Moved: 1, ChallengeClosed: 3}


async def test_fifty_right_codes_at_once_move_once(door: Door) -> None:
    ada = await _moving(door)
    asked = await ada.asked()
    outcomes = await asyncio.gather(*(ada.answer(*asked) for _ in range(50)))
    assert Counter(type(outcome) for outcome in outcomes) == {Moved: 1, ChallengeClosed: 49}


async def test_attempts_are_counted_as_at_a_sign_in(door: Door) -> None:
    ada = await _moving(door)
    challenge_id, code = await ada.asked()
    tries = [await ada.answer(challenge_id, wrong(code)) for _ in range(5)]
    assert tries == [CodeWrong(left) for left in (4, 3, 2, 1, 0)]
    assert await ada.answer(challenge_id, code) == ChallengeClosed()


async def test_guesses_are_counted_over_all_challenges_of_the_new_address(door: Door) -> None:
    ada = await _moving(door)
    for _ in range(STRANGERS_FAILURES // 5):
        challenge_id, code = await ada.asked()
        for _ in range(5):
            await ada.answer(challenge_id, wrong(code))
    assert await ada.answer(*await ada.asked()) == ChallengeClosed()
    assert isinstance(await ada.answer(*await ada.asked("other@example.com")), Moved)


async def test_strangers_who_guess_at_the_new_address_close_it_for_nobody_who_moves_there(door: Door) -> None:
    ada, grace = await _moving(door), await _moving(door, "grace@example.org")
    for _ in range(STRANGERS_FAILURES // 5):
        guessed = await door.ask(NEW, binding="C" * 43)
        moved_at, code = await grace.asked()
        for _ in range(5):
            await door.answer(guessed.id, wrong(await door.mailed_code(guessed.id)), binding="C" * 43)
            await grace.answer(moved_at, wrong(code))
    assert await grace.answer(*await grace.asked()) == ChallengeClosed()
    assert isinstance(await ada.answer(*await ada.asked()), Moved)


@pytest.mark.parametrize("meanwhile", ["suspended", "deleted", "taken"])
async def test_who_may_move_there_no_more_is_not_mailed_again(door: Door, meanwhile: str) -> None:
    ada = await _moving(door)
    if meanwhile == "taken":
        await present(door.database, NEW)
    challenge = await ada.ask()
    if meanwhile == "suspended":
        await set_status(door.database, ada.who.user.id, "suspended")
    if meanwhile == "deleted":
        async with door.database.engine.begin() as connection:
            await connection.execute(users.delete().where(users.c.id == ada.who.user.id))
    async with door.database.engine.begin() as connection:
        past = challenges.c.mailed_at - timedelta(minutes=2)
        await connection.execute(update(challenges).values(mailed_at=past))
    assert isinstance(await door.resend(challenge.id), Challenge)
    letter = await door.mailed(challenge.id)
    assert isinstance(letter.event, UnknownAddressChallenged)
    assert letter.recipients == (Recipient(address=PLACEHOLDER, name=""),)


async def test_a_code_to_sign_in_moves_nobody_and_a_code_to_move_signs_nobody_in(door: Door) -> None:
    ada = await _moving(door)
    sign_in = await door.ask(OLD)
    assert await ada.answer(sign_in.id, await door.mailed_code(sign_in.id)) == ChallengeClosed()
    assert await door.answer(*await ada.asked()) == ChallengeClosed()
    assert (await _user(door, ada.who.user.id)).email == OLD


async def test_foreign_unknown_and_expired_challenges_are_closed_alike(door: Door) -> None:
    ada = await _moving(door)
    challenge_id, code = await ada.asked()
    assert await ada.answer(new_id(), code) == ChallengeClosed()
    assert await ada.answer(challenge_id, code, binding="C" * 43) == ChallengeClosed()
    async with door.database.engine.begin() as connection:
        await connection.execute(update(challenges).values(expires_at=func.now() - timedelta(seconds=1)))
    assert await ada.answer(challenge_id, code) == ChallengeClosed()


async def test_what_one_account_asked_for_moves_no_other_in_the_same_browser(door: Door) -> None:
    ada, grace = await _moving(door), await _moving(door, "grace@example.org")
    assert await grace.answer(*await ada.asked()) == ChallengeClosed()
    assert {(await _user(door, each.who.user.id)).email for each in (ada, grace)} == {
        OLD,
        "grace@example.org",
    }


async def test_whoever_was_signed_out_or_suspended_meanwhile_moves_nowhere(door: Door) -> None:
    ada, grace = await _moving(door), await _moving(door, "grace@example.org")
    for each, address in ((ada, NEW), (grace, "hopper@example.com")):
        asked = await each.asked(address)
        if each is ada:
            await age(door.database, ada.who.session.id, expires_at=timedelta(seconds=1))
        else:
            await set_status(door.database, grace.who.user.id, "suspended")
        assert await each.answer(*asked) == ChallengeClosed()


async def test_whoever_was_deleted_meanwhile_moves_nowhere(door: Door) -> None:
    ada = await _moving(door)
    asked = await ada.asked()
    async with door.database.engine.begin() as connection:
        await connection.execute(users.delete().where(users.c.id == ada.who.user.id))
    assert await ada.answer(*asked) == ChallengeClosed()


async def test_codes_that_went_to_the_address_before_open_nothing_any_more(door: Door) -> None:
    ada = await _moving(door)
    before = await door.ask(OLD)
    code = await door.mailed_code(before.id)
    assert isinstance(await ada.answer(*await ada.asked()), Moved)
    assert await door.answer(before.id, code) == ChallengeClosed()


async def test_neither_address_is_anywhere_in_clear_but_in_the_account_and_its_challenge(door: Door) -> None:
    ada = await _moving(door)
    await ada.answer(*await ada.asked())
    async with door.database.engine.connect() as connection:
        told = str((await connection.execute(select(outbox.c.data))).all())
    noted = str([await audited(door.database, action) for action in Action])
    for address in (OLD, NEW):
        assert address not in told
        assert address not in noted
