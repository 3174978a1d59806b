import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, literal, select, update

from auth_service.flows.outcomes import ChallengeClosed, CodeWrong, SignedIn, TooSoon
from auth_service.flows.resending import PLACEHOLDER
from auth_service.model.challenges import Challenge
from auth_service.model.peppers import Peppers
from auth_service.model.rules import LoginRules, Method
from auth_service.storage.database import Database
from auth_service.storage.tables import audit_events, challenges, users
from contracts.events import UnknownAddressChallenged
from contracts.identifiers import new_id
from contracts.sealing import Recipient
from tests.integration.auth_service.door import Door, StatementLog, wrong

PAST_COOLDOWN = timedelta(seconds=61)


async def later(database: Database, time: timedelta = PAST_COOLDOWN) -> None:
    """Let time pass for all mails that went out."""
    async with database.engine.begin() as connection:
        await connection.execute(update(challenges).values(mailed_at=challenges.c.mailed_at - literal(time)))


async def resent(door: Door, challenge: Challenge) -> Challenge:
    outcome = await door.resend(challenge.id)
    assert isinstance(outcome, Challenge), outcome
    return outcome


async def test_the_same_code_goes_out_again_with_the_same_attempts_and_end(door: Door) -> None:
    ada = await door.member(name="Ada Lovelace")
    challenge = await door.ask(ada.email)
    code = await door.mailed_code(challenge.id)
    for _ in range(3):
        await door.answer(challenge.id, wrong(code))
    await later(door.database)
    again = await resent(door, challenge)
    assert (again.id, again.expires_at, again.attempts) == (challenge.id, challenge.expires_at, 3)
    assert again.mailed_at > challenge.created_at
    first, second = await door.letters(challenge.id)
    assert first.code == second.code == code
    assert second.recipients == (Recipient(address=ada.email, name="Ada Lovelace"),)
    assert second.event.expirytime == challenge.expires_at
    assert first.event.id != second.event.id
    assert await door.answer(challenge.id, wrong(code)) == CodeWrong(attempts_left=1)
    assert isinstance(await door.answer(challenge.id, code), SignedIn)


async def test_too_soon_after_the_last_mail_there_is_none(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    outcome = await door.resend(challenge.id)
    assert isinstance(outcome, TooSoon)
    assert timedelta(seconds=50) < outcome.wait <= timedelta(seconds=60)
    await later(door.database)
    await resent(door, challenge)
    assert isinstance(await door.resend(challenge.id), TooSoon)
    assert len(await door.letters(challenge.id)) == 2


async def test_twenty_resends_at_once_are_one_mail(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    await later(door.database)
    outcomes = await asyncio.gather(*(door.resend(challenge.id) for _ in range(20)))
    assert Counter(type(outcome) for outcome in outcomes) == {Challenge: 1, TooSoon: 19}
    assert len(await door.letters(challenge.id)) == 2


@pytest.mark.parametrize("method", ["magic_link", "otp_and_link"])
async def test_a_link_is_minted_anew_and_the_one_before_still_works(
    database: Database, method: Method
) -> None:
    door = Door(database, rules=LoginRules(method=method))
    await door.admin("ada@example.org")
    for nth in range(2):
        challenge = await door.ask("ada@example.org")
        await later(database)
        await resent(door, challenge)
        tokens = [letter.token or "" for letter in await door.letters(challenge.id)]
        assert len(set(tokens)) == 2
        assert isinstance(await door.follow(tokens[nth]), SignedIn)
        assert [await door.follow(token) for token in tokens] == [ChallengeClosed()] * 2


async def test_closed_foreign_expired_and_unknown_challenges_are_mailed_no_more(door: Door) -> None:
    ada = await door.member()
    spent, expired, foreign = [await door.ask(ada.email) for _ in range(3)]
    await door.answer(spent.id, await door.mailed_code(spent.id))
    await later(door.database)
    async with door.database.engine.begin() as connection:
        ended = {"expires_at": func.now() - timedelta(seconds=1)}
        await connection.execute(update(challenges).where(challenges.c.id == expired.id).values(ended))
    before = await door.events()
    logs = []
    for challenge_id, binding in (
        (new_id(), "B" * 43),
        (spent.id, "B" * 43),
        (expired.id, "B" * 43),
        (foreign.id, "C" * 43),
    ):
        with StatementLog(door.database) as log:
            assert await door.resend(challenge_id, binding=binding) == ChallengeClosed()
        logs.append(log.statements)
    assert all(statements == logs[0] for statements in logs)
    assert await door.events() == before
    async with door.database.engine.connect() as connection:
        noted = (
            await connection.execute(
                select(audit_events.c.details).where(audit_events.c.action == "sign_in_refused")
            )
        ).scalars()
        assert Counter(each["reason"] for each in noted)["challenge_closed"] == 4


async def test_out_of_attempts_a_code_is_mailed_no_more_and_a_link_alone(database: Database) -> None:
    for method in ("otp", "otp_and_link"):
        door = Door(database, rules=LoginRules(method="otp" if method == "otp" else "otp_and_link"))
        await door.admin("ada@example.org")
        challenge = await door.ask("ada@example.org")
        for _ in range(5):
            await door.answer(challenge.id, wrong(await door.mailed_code(challenge.id)))
        await later(database)
        outcome = await door.resend(challenge.id)
        if method == "otp":
            assert outcome == ChallengeClosed()
        else:
            assert isinstance(outcome, Challenge)
            assert outcome.method == "magic_link"
            assert (await door.mailed(challenge.id)).code is None


async def test_where_too_much_was_guessed_meanwhile_the_mail_holds_a_link_alone(door: Door) -> None:
    ada = await door.member()
    challenge = await door.ask(ada.email)
    code = await door.mailed_code(challenge.id)
    for _ in range(2):
        other = await door.ask(ada.email)
        for _ in range(5):
            await door.answer(other.id, wrong(await door.mailed_code(other.id)))
    await later(door.database)
    assert (await resent(door, challenge)).method == "magic_link"
    letter = await door.mailed(challenge.id)
    assert letter.code is None
    assert await door.answer(challenge.id, code) == ChallengeClosed()
    assert isinstance(await door.follow(letter.token or ""), SignedIn)


@pytest.mark.parametrize("method", ["otp", "magic_link", "otp_and_link"])
async def test_a_decoy_is_mailed_again_at_the_same_cost_and_to_nobody(
    database: Database, method: Method
) -> None:
    door = Door(database, rules=LoginRules(method=method))
    await door.admin("ada@example.org")
    known, decoy = await door.ask("ada@example.org"), await door.ask("nobody@example.org")
    await later(database)
    with StatementLog(database) as first:
        await resent(door, known)
    with StatementLog(database) as second:
        again = await resent(door, decoy)
    assert first.statements == second.statements
    assert len(first.statements) <= 4
    assert (again.method, again.expires_at) == (method, decoy.expires_at)
    letter = await door.mailed(decoy.id)
    assert isinstance(letter.event, UnknownAddressChallenged)
    assert letter.recipients == (Recipient(address=PLACEHOLDER, name=""),)


async def test_whoever_is_gone_or_has_another_address_is_not_mailed_again(door: Door) -> None:
    ada = await door.member()
    first, second = await door.ask(ada.email), await door.ask(ada.email)
    await later(door.database)
    async with door.database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == ada.id).values(email="ada@example.com"))
    await resent(door, first)
    async with door.database.engine.begin() as connection:
        await connection.execute(delete(users).where(users.c.id == ada.id))
    await resent(door, second)
    for challenge in (first, second):
        letter = await door.mailed(challenge.id)
        assert isinstance(letter.event, UnknownAddressChallenged)
        assert letter.recipients[0].address == PLACEHOLDER


async def test_a_code_is_repeated_under_the_pepper_that_made_it_and_ends_with_it(door: Door) -> None:
    challenge = await door.ask((await door.member()).email)
    code = await door.mailed_code(challenge.id)
    rotated = replace(door, peppers=Peppers([b"\x06" * 32, b"\x05" * 32]))
    retired = replace(door, peppers=Peppers([b"\x06" * 32]))
    await later(door.database)
    assert await retired.resend(challenge.id) == ChallengeClosed()
    await resent(rotated, challenge)
    assert await door.mailed_code(challenge.id) == code
