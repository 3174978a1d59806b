"""Failures count over all challenges of an address: strangers share ten, a known device has thirty."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import literal, select, update

from auth_service.flows.outcomes import ChallengeClosed, CodeWrong, NotLetIn, SignedIn
from auth_service.model.challenges import Challenge
from auth_service.model.rules import LoginRules, Method
from auth_service.model.users import Status
from auth_service.storage.database import Database
from auth_service.storage.tables import audit_events, budgets
from tests.integration.auth_service.door import Door, wrong

LAPTOP = "L" * 43


async def _known(door: Door, email: str = "ada@example.org") -> None:
    """Have someone sign in on the laptop, which their account knows from then on."""
    await door.admin(email)
    challenge = await door.ask(email)
    await door.answer(challenge.id, await door.mailed_code(challenge.id), device=LAPTOP)


async def _fail(door: Door, challenge: Challenge, times: int) -> list[object]:
    code = wrong(challenge.code(door.peppers) or "")
    return [await door.answer(challenge.id, code) for _ in range(times)]


async def _burn(door: Door, email: str = "ada@example.org") -> None:
    """Use up the strangers' budget."""
    for _ in range(2):
        await _fail(door, await door.ask(email), 5)


async def test_failures_count_over_challenges(door: Door) -> None:
    await _known(door)
    first, second, third = [await door.ask("ada@example.org") for _ in range(3)]
    assert await _fail(door, first, 4) == [CodeWrong(left) for left in (4, 3, 2, 1)]
    assert await _fail(door, second, 4) == [CodeWrong(left) for left in (4, 3, 2, 1)]
    # Ten in a day are left to two: what a try says of those that follow is true.
    assert await _fail(door, third, 3) == [CodeWrong(1), CodeWrong(0), ChallengeClosed()]


async def test_over_the_budget_even_the_right_code_opens_nothing(door: Door) -> None:
    await _known(door)
    challenge = await door.ask("ada@example.org")
    await _burn(door)
    assert await door.answer(challenge.id, await door.mailed_code(challenge.id)) == ChallengeClosed()


async def test_the_right_code_costs_nothing_and_forgives_nothing(door: Door) -> None:
    await _known(door)
    for _ in range(12):
        challenge = await door.ask("ada@example.org")
        assert isinstance(await door.answer(challenge.id, await door.mailed_code(challenge.id)), SignedIn)
    for _ in range(3):
        challenge = await door.ask("ada@example.org")
        await _fail(door, challenge, 3)
        await door.answer(challenge.id, await door.mailed_code(challenge.id))
    (row,) = await _rows(door)
    assert row == 9


async def _rows(door: Door) -> list[int]:
    async with door.database.engine.connect() as connection:
        return list((await connection.execute(select(budgets.c.spent))).scalars())


async def test_sixty_guesses_at_once_over_twelve_challenges_get_ten_comparisons(door: Door) -> None:
    await _known(door)
    asked = [await door.ask("ada@example.org") for _ in range(12)]
    right = await door.ask("ada@example.org")
    home = await door.ask("ada@example.org", device=LAPTOP)
    outcomes, at_home = await asyncio.gather(
        asyncio.gather(
            *(
                door.answer(challenge.id, wrong(challenge.code(door.peppers) or ""))
                for _ in range(5)
                for challenge in asked
            )
        ),
        door.answer(home.id, home.code(door.peppers) or "", device=LAPTOP),
    )
    assert Counter(type(outcome) for outcome in outcomes) == {CodeWrong: 10, ChallengeClosed: 50}
    assert isinstance(at_home, SignedIn)
    # The eleventh is refused though it is right.
    assert await door.answer(right.id, right.code(door.peppers) or "") == ChallengeClosed()
    async with door.database.engine.connect() as connection:
        noted = (await connection.execute(select(audit_events.c.details))).scalars()
    told = Counter(each["reason"] for each in noted if "reason" in each)
    assert told == {"invalid_code": 10, "challenge_closed": 51}


@pytest.mark.parametrize("method", ["otp", "magic_link", "otp_and_link"])
@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
async def test_after_too_many_failures_strangers_are_mailed_a_link_alone(
    database: Database, method: Method, email: str
) -> None:
    door = Door(database, rules=LoginRules(method=method))
    await door.admin("ada@example.org")
    await _burn(door, email)
    challenge = await door.ask(email)
    assert challenge.method == "magic_link"
    letter = await door.mailed(challenge.id)
    assert letter.token
    if email.startswith("ada"):
        assert letter.code is None
        assert isinstance(await door.follow(letter.token), SignedIn)


async def test_a_newcomer_who_was_guessed_at_comes_in_by_a_link(door: Door) -> None:
    await _burn(door, "grace@example.org")
    challenge = await door.register("grace@example.org", name="Grace Hopper")
    assert challenge.method == "magic_link"
    outcome = await door.follow(await door.mailed_link(challenge.id))
    assert isinstance(outcome, NotLetIn)
    assert outcome.user.status is Status.PENDING


async def test_a_stranger_who_burns_the_strangers_budget_does_not_stop_a_known_device(door: Door) -> None:
    await _known(door)
    await _burn(door)
    challenge = await door.ask("ada@example.org", device=LAPTOP)
    assert (challenge.method, challenge.budget) == ("otp", 30)
    code = await door.mailed_code(challenge.id)
    assert isinstance(await door.answer(challenge.id, code, device=LAPTOP), SignedIn)


async def test_a_known_device_has_thirty_failures_then_a_link(door: Door) -> None:
    await _known(door)
    for _ in range(6):
        challenge = await door.ask("ada@example.org", device=LAPTOP)
        assert challenge.method == "otp"
        await _fail(door, challenge, 5)
    own = await door.ask("ada@example.org", device=LAPTOP)
    assert own.method == "magic_link"
    assert isinstance(await door.follow(await door.mailed_link(own.id)), SignedIn)
    assert (await door.ask("ada@example.org")).method == "otp"  # strangers failed at nothing


async def test_a_device_is_known_to_its_own_account_alone(door: Door) -> None:
    await _known(door)
    await door.admin("grace@example.org")
    assert (await door.ask("grace@example.org", device=LAPTOP)).budget == 10
    assert (await door.ask("nobody@example.org", device=LAPTOP)).budget == 10


async def test_a_day_after_the_first_failure_codes_are_mailed_again(door: Door) -> None:
    await _known(door)
    await _burn(door)
    for hours, method in ((23, "magic_link"), (1, "otp")):
        async with door.database.engine.begin() as connection:
            passed = literal(timedelta(hours=hours))
            await connection.execute(update(budgets).values(since=budgets.c.since - passed))
        assert (await door.ask("ada@example.org")).method == method
    challenge = await door.ask("ada@example.org")
    assert await _fail(door, challenge, 1) == [CodeWrong(attempts_left=4)]
    assert isinstance(await door.answer(challenge.id, await door.mailed_code(challenge.id)), SignedIn)
