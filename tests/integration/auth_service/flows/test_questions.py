import pytest
from sqlalchemy import Text, func, literal_column, select

from auth_service.flows.outcomes import NotLetIn
from auth_service.flows.questions import is_open
from auth_service.model.rules import LoginRules
from auth_service.model.users import Status
from auth_service.storage.database import Database
from auth_service.storage.tables import metadata
from contracts.events import OtpRequested, UnknownAddressChallenged
from contracts.sealing import Recipient
from tests.integration.auth_service.door import BINDING, Door, StatementLog, wrong


async def test_someone_known_is_mailed_a_code_under_their_own_name(door: Door) -> None:
    ada = await door.member("ada@example.org", name="Ada Lovelace")
    challenge = await door.ask("ada@example.org")
    event = (await door.events())[-1]
    assert isinstance(event, OtpRequested)
    assert (event.data.user_id, event.subject, event.sequence) == (ada.id, str(ada.id), str(ada.version))
    assert event.expirytime == challenge.expires_at
    mail = await door.mailed(challenge.id)
    assert mail.recipients == (Recipient(address="ada@example.org", name="Ada Lovelace"),)
    assert mail.code == challenge.code(door.peppers)


async def test_a_decoy_costs_what_a_code_costs(door: Door) -> None:
    await door.member("ada@example.org")
    with StatementLog(door.database) as known:
        real = await door.ask("ada@example.org")
    with StatementLog(door.database) as unknown:
        decoy = await door.ask("nobody@example.org")
    assert known.statements == unknown.statements
    assert len(known.statements) <= 4
    event = (await door.events())[-1]
    assert isinstance(event, UnknownAddressChallenged)
    assert (await door.mailed(decoy.id)).recipients == (Recipient(address="nobody@example.org", name=""),)
    assert (real.digits, real.expires_at - real.created_at) == (
        decoy.digits,
        decoy.expires_at - decoy.created_at,
    )


async def test_registering_costs_the_same_for_new_and_known(door: Door) -> None:
    await door.member("ada@example.org")
    with StatementLog(door.database) as known:
        await door.register("ada@example.org")
    with StatementLog(door.database) as new:
        await door.register("grace@example.org")
    assert known.statements == new.statements
    assert len(new.statements) <= 4


async def test_a_newcomers_mail_is_in_their_language_and_names_nobody(door: Door) -> None:
    challenge = await door.register("ada@example.org", name="Buy at evil.example", locale="de")
    mail = await door.mailed(challenge.id)
    assert mail.recipients == (Recipient(address="ada@example.org", name="", locale="de"),)


async def test_a_stranger_cannot_name_whoever_owns_the_address(door: Door) -> None:
    await door.register("ada@example.org", name="Mallory", locale="de")
    own = await door.register("ada@example.org", name="Ada", locale="pt_BR")
    outcome = await door.answer(own.id, await door.mailed_code(own.id))
    assert isinstance(outcome, NotLetIn)
    assert (outcome.user.name, outcome.user.locale) == ("Ada", "pt_BR")


async def test_a_stranger_cannot_rename_someone_known(door: Door) -> None:
    ada = await door.member("ada@example.org", name="Ada")
    challenge = await door.register("ada@example.org", name="Mallory", locale="de")
    mail = await door.mailed(challenge.id)
    assert mail.recipients == (Recipient(address="ada@example.org", name="Ada"),)
    await door.answer(challenge.id, await door.mailed_code(challenge.id))
    async with door.database.unit() as unit:
        assert await unit.users.find("ada@example.org") == ada


async def test_a_newcomer_who_comes_back_to_sign_in_gets_a_code_too(door: Door) -> None:
    await door.register("ada@example.org")
    challenge = await door.ask("ada@example.org")
    outcome = await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert isinstance(outcome, NotLetIn)
    assert (outcome.user.status, outcome.user.name) == (Status.PENDING, "ada")


@pytest.mark.parametrize(
    "table",
    ["users", "challenges", "links", "budgets", "devices", "sessions", "outbox", "audit_events"],
)
async def test_no_table_holds_a_code_or_a_token(database: Database, table: str) -> None:
    door = Door(database, rules=LoginRules(method="otp_and_link"))
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")
    letter = await door.mailed(challenge.id)
    assert letter.code
    assert letter.token
    await door.answer(challenge.id, wrong(letter.code))
    session, device = "T" * 43, "D" * 43
    await door.answer(challenge.id, letter.code, token=session, device=device)
    query = select(func.to_jsonb(literal_column("held")).cast(Text)).select_from(
        metadata.tables[f"auth.{table}"].alias("held")
    )
    async with door.database.engine.connect() as connection:
        rows = (await connection.execute(query)).scalars().all()
    assert rows
    stored = "\n".join(rows)
    assert f'"{letter.code}"' not in stored
    assert letter.code.encode().hex() not in stored
    for token in (session, device, BINDING, letter.token):
        assert token not in stored
        assert token.encode().hex() not in stored
    assert ("ada@example.org" in stored) == (table == "users")


async def test_a_challenge_is_open_where_it_was_asked_for_and_until_it_is_answered(door: Door) -> None:
    await door.admin("ada@example.org")
    challenge = await door.ask("ada@example.org")

    async def states() -> list[bool]:
        async with door.database.unit() as unit:
            return [
                await is_open(challenge.id, binding=binding, unit=unit, peppers=door.peppers)
                for binding in (BINDING, "C" * 43, "")
            ]

    assert await states() == [True, False, False]
    await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert await states() == [False, False, False]
