import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from auth_service.flows.outcomes import ChallengeClosed, CodeWrong, LinkElsewhere, NotLetIn, SignedIn
from auth_service.model.rules import LoginRules, Method
from auth_service.model.tokens import new_token, token_hash
from auth_service.model.users import Status
from auth_service.storage.database import Database
from auth_service.storage.tables import challenges, links, sessions, users
from contracts.events import MagicLinkRequested, UnknownAddressChallenged
from contracts.sealing import LoginLink, Recipient
from tests.integration.auth_service.door import BINDING, Door, wrong

PAGE = "https://login.example.org/login/link"
ELSEWHERE = "E" * 43
LINKING: tuple[Method, ...] = ("magic_link", "otp_and_link")


def linking(database: Database, method: Method = "magic_link") -> Door:
    return Door(database, rules=LoginRules(method=method, link_page=PAGE))


@pytest.mark.parametrize("method", LINKING)
async def test_someone_known_is_mailed_a_link_that_holds_its_token_as_the_fragment(
    database: Database, method: Method
) -> None:
    door = linking(database, method)
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    assert challenge.method == method
    (letter,) = await door.letters(challenge.id)
    assert isinstance(letter.event, MagicLinkRequested)
    assert isinstance(letter.box, LoginLink)
    assert letter.event.expirytime == challenge.expires_at
    assert letter.recipients == (Recipient(address="ada@example.org", name="ada", administrator=True),)
    assert letter.link == f"{PAGE}#{letter.token}"
    assert letter.code == (challenge.code(door.peppers) if method == "otp_and_link" else None)


async def test_a_decoys_link_goes_to_nobody_and_opens_nothing(database: Database) -> None:
    door = linking(database)
    challenge = await door.ask("nobody@example.org")
    letter = await door.mailed(challenge.id)
    assert isinstance(letter.event, UnknownAddressChallenged)
    for elsewhere in (False, True):
        assert await door.follow(letter.token or "", elsewhere=elsewhere) == ChallengeClosed()


@pytest.mark.parametrize("method", LINKING)
async def test_a_link_signs_in_where_it_was_asked_for_and_once(database: Database, method: Method) -> None:
    door = linking(database, method)
    ada = await door.admin("ada@example.org")
    token = await door.mailed_link((await door.ask(ada.email)).id)
    outcome = await door.follow(token)
    assert isinstance(outcome, SignedIn)
    assert (outcome.user, outcome.session.method) == (ada, "magic_link")
    assert await door.follow(token) == ChallengeClosed()
    assert await door.follow(token, elsewhere=True) == ChallengeClosed()


@pytest.mark.parametrize("binding", [ELSEWHERE, ""])
async def test_elsewhere_a_link_tells_whom_it_would_sign_in_and_spends_nothing(
    database: Database, binding: str
) -> None:
    door = linking(database)
    await door.admin("ada@example.org")
    token = await door.mailed_link((await door.ask("ada@example.org")).id)
    for _ in range(3):
        assert await door.follow(token, binding=binding) == LinkElsewhere("a•••@e•••.org")
    assert isinstance(await door.follow(token, binding=binding, elsewhere=True), SignedIn)
    assert await door.follow(token, binding=binding) == ChallengeClosed()


async def test_the_code_dies_with_its_link_and_the_link_with_its_code(database: Database) -> None:
    door = linking(database, "otp_and_link")
    await door.admin("ada@example.org")
    by_link, by_code = await door.ask("ada@example.org"), await door.ask("ada@example.org")
    letters = [await door.mailed(challenge.id) for challenge in (by_link, by_code)]
    codes, tokens = [each.code or "" for each in letters], [each.token or "" for each in letters]
    assert isinstance(await door.follow(tokens[0]), SignedIn)
    assert await door.answer(by_link.id, codes[0]) == ChallengeClosed()
    assert isinstance(await door.answer(by_code.id, codes[1]), SignedIn)
    assert await door.follow(tokens[1]) == ChallengeClosed()


async def test_no_code_opens_what_is_a_link_alone(database: Database) -> None:
    door = linking(database)
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    code = challenge.code(door.peppers)
    assert code is not None
    assert await door.answer(challenge.id, code) == CodeWrong(attempts_left=4)
    assert isinstance(await door.follow(await door.mailed_link(challenge.id)), SignedIn)


async def test_a_link_outlives_the_attempts_at_its_code(database: Database) -> None:
    door = linking(database, "otp_and_link")
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    for _ in range(6):
        await door.answer(challenge.id, wrong(await door.mailed_code(challenge.id)))
    assert isinstance(await door.follow(await door.mailed_link(challenge.id)), SignedIn)


async def test_an_expired_or_unknown_link_opens_nothing_anywhere(database: Database) -> None:
    door = linking(database)
    await door.admin("ada@example.org")
    token = await door.mailed_link((await door.ask("ada@example.org")).id)
    async with database.engine.begin() as connection:
        await connection.execute(update(challenges).values(expires_at=func.now() - timedelta(seconds=1)))
    for each in (token, new_token(), ""):
        for elsewhere in (False, True):
            assert await door.follow(each, elsewhere=elsewhere) == ChallengeClosed()


async def test_a_link_never_changes_an_address(database: Database) -> None:
    door = linking(database)
    await door.admin("ada@example.org")
    token = await door.mailed_link((await door.ask("ada@example.org")).id)
    async with database.engine.begin() as connection:
        await connection.execute(update(challenges).values(purpose="address_change"))
    for elsewhere in (False, True):
        assert await door.follow(token, elsewhere=elsewhere) == ChallengeClosed()


async def test_a_link_opens_no_account_whose_address_is_another_by_now(database: Database) -> None:
    door = linking(database, "otp_and_link")
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    letter = await door.mailed(challenge.id)
    async with database.engine.begin() as connection:
        await connection.execute(update(users).values(email="ada@example.com"))
    assert await door.follow(letter.token or "", binding=ELSEWHERE) == ChallengeClosed()
    assert await door.answer(challenge.id, letter.code or "") == ChallengeClosed()
    again = await door.ask("ada@example.com")
    assert isinstance(await door.follow(await door.mailed_link(again.id)), SignedIn)


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED, Status.SUSPENDED])
async def test_a_link_lets_nobody_in_whom_a_code_would_not(database: Database, status: Status) -> None:
    door = linking(database)
    ada = await door.admin("ada@example.org")
    async with database.engine.begin() as connection:
        await connection.execute(update(users).values(status=status.value))
    token = await door.mailed_link((await door.ask(ada.email)).id)
    assert await door.follow(token) == NotLetIn(replace(ada, status=status))
    assert await door.follow(token) == ChallengeClosed()


async def test_a_newcomer_becomes_someone_by_a_link_as_well(database: Database) -> None:
    door = linking(database)
    challenge = await door.register("ada@example.org", name="Ada Lovelace", locale="de")
    outcome = await door.follow(await door.mailed_link(challenge.id))
    assert isinstance(outcome, NotLetIn)
    assert (outcome.user.status, outcome.user.name, outcome.user.locale) == (
        Status.PENDING,
        "Ada Lovelace",
        "de",
    )


@pytest.mark.parametrize(
    ("binding", "called", "locale"), [(ELSEWHERE, "ada", "en"), (BINDING, "Mallory", "de")]
)
async def test_a_stranger_who_asks_names_nobody_who_opens_the_link_elsewhere(
    database: Database, binding: str, called: str, locale: str
) -> None:
    door = linking(database)
    challenge = await door.register("ada@example.org", name="Mallory", locale="de")
    token = await door.mailed_link(challenge.id)
    outcome = await door.follow(token, binding=binding, elsewhere=True)
    assert isinstance(outcome, NotLetIn)
    assert (outcome.user.name, outcome.user.locale) == (called, locale)


async def test_only_the_hash_of_a_link_is_kept(database: Database) -> None:
    door = linking(database)
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    token = await door.mailed_link(challenge.id)
    async with database.engine.connect() as connection:
        (row,) = (await connection.execute(select(links))).all()
    assert (row.token_hash, row.challenge_id) == (token_hash(token), challenge.id)


async def _sessions(database: Database) -> int:
    async with database.engine.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(sessions))).scalar_one()


async def test_fifty_times_one_link_at_once_is_one_session(database: Database) -> None:
    door = linking(database)
    await door.admin("ada@example.org")
    token = await door.mailed_link((await door.ask("ada@example.org")).id)
    outcomes = await asyncio.gather(*(door.follow(token, elsewhere=n % 2 == 0) for n in range(50)))
    assert Counter(type(outcome) for outcome in outcomes) == {SignedIn: 1, ChallengeClosed: 49}
    assert await _sessions(database) == 1


async def test_a_code_and_its_link_at_once_are_one_session(database: Database) -> None:
    door = linking(database, "otp_and_link")
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    letter = await door.mailed(challenge.id)
    outcomes = await asyncio.gather(
        *(door.answer(challenge.id, letter.code or "") for _ in range(25)),
        *(door.follow(letter.token or "") for _ in range(25)),
    )
    assert Counter(type(outcome) for outcome in outcomes) == {SignedIn: 1, ChallengeClosed: 49}
    assert await _sessions(database) == 1
