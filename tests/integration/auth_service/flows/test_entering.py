"""What a sign-in leaves behind: a session, a device that is known again, an event, and an audit event."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from auth_service.flows.outcomes import NotLetIn, Outcome, SignedIn
from auth_service.model.callers import Caller
from auth_service.model.rules import LoginRules
from auth_service.model.users import Status, User
from auth_service.storage.database import Database
from auth_service.storage.tables import audit_events, users
from contracts.envelope import unseal
from contracts.events import UserRegistered, UserSignedIn
from contracts.identifiers import new_id
from contracts.sealing import NewSignIn, Recipient
from tests.integration.auth_service.door import Door

FIREFOX = Caller(
    traceparent="00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
    client_address="203.0.113.7",
    user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0",
)
LAPTOP, PHONE = "L" * 43, "P" * 43


async def _sign_in(door: Door, email: str, *, device: str = LAPTOP) -> Outcome:
    challenge = await door.ask(email)
    code = await door.mailed_code(challenge.id)
    return await door.answer(challenge.id, code, device=device, caller=FIREFOX)


async def _told(door: Door) -> Sequence[UserSignedIn]:
    return [event for event in await door.events() if isinstance(event, UserSignedIn)]


async def _audit(door: Door) -> list[dict[str, Any]]:
    async with door.database.engine.connect() as connection:
        rows = await connection.execute(select(audit_events).order_by(audit_events.c.id))
        return [dict(row) for row in rows.mappings()]


async def test_a_session_tells_how_and_whence_it_came_to_be(door: Door) -> None:
    ada = await door.admin("ada@example.org")
    outcome = await _sign_in(door, ada.email)
    assert isinstance(outcome, SignedIn)
    session = outcome.session
    assert (session.method, session.device, session.client_address) == (
        "otp",
        "Firefox on Linux",
        "203.0.113.7",
    )
    (event,) = await _told(door)
    assert (event.data.user_id, event.data.session_id, event.data.method) == (ada.id, session.id, "otp")
    assert (event.subject, event.sequence) == (str(ada.id), str(ada.version))


async def test_the_first_device_of_an_account_is_new_and_no_news(door: Door) -> None:
    await door.admin("ada@example.org")
    await _sign_in(door, "ada@example.org")
    (event,) = await _told(door)
    assert (event.data.new_device, event.data.recipients) == (True, 0)
    assert unseal(event, NewSignIn, sealer=door.sealer).recipients == ()


async def test_a_new_device_of_an_account_that_knows_others_is_told_by_mail_once(door: Door) -> None:
    await door.admin("ada@example.org")
    for device in (LAPTOP, LAPTOP, PHONE, PHONE, LAPTOP):
        await _sign_in(door, "ada@example.org", device=device)
    told = await _told(door)
    assert [(event.data.new_device, event.data.recipients) for event in told] == [
        (True, 0),
        (False, 0),
        (True, 1),
        (False, 0),
        (False, 0),
    ]
    assert unseal(told[2], NewSignIn, sealer=door.sealer) == NewSignIn(
        recipients=(Recipient(address="ada@example.org", name="ada", administrator=True),),
        device="Firefox on Linux",
        client_address="203.0.113.7",
    )


async def test_of_two_first_devices_at_once_one_is_told_of(door: Door) -> None:
    await door.admin("ada@example.org")
    await asyncio.gather(*(_sign_in(door, "ada@example.org", device=device) for device in (LAPTOP, PHONE)))
    assert Counter(event.data.recipients for event in await _told(door)) == {0: 1, 1: 1}


async def test_a_sign_in_is_noted_with_whence_it_came(door: Door) -> None:
    ada = await door.admin("ada@example.org")
    outcome = await _sign_in(door, ada.email)
    assert isinstance(outcome, SignedIn)
    entry = (await _audit(door))[-1]
    assert (entry["action"], entry["actor_id"], entry["subject_id"]) == ("signed_in", ada.id, ada.id)
    assert (entry["client_address"], entry["trace_id"]) == ("203.0.113.7", "0123456789abcdef" * 2)
    assert entry["details"] == {
        "method": "otp",
        "session_id": str(outcome.session.id),
        "new_device": True,
    }


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED, Status.SUSPENDED])
async def test_who_is_not_let_in_leaves_a_note_and_no_session(door: Door, status: Status) -> None:
    ada = await door.admin("ada@example.org")
    async with door.database.engine.begin() as connection:
        await connection.execute(update(users).values(status=status.value))
    assert isinstance(await _sign_in(door, ada.email), NotLetIn)
    entry = (await _audit(door))[-1]
    assert (entry["action"], entry["actor_id"], entry["subject_id"]) == ("sign_in_refused", None, ada.id)
    assert entry["details"]["reason"] == f"account_{status.value}"
    assert await _told(door) == []


async def test_a_newcomers_registration_is_noted_once(door: Door) -> None:
    challenge = await door.register("ada@example.org")
    await door.answer(challenge.id, await door.mailed_code(challenge.id))
    assert [(entry["action"], entry["details"]) for entry in await _audit(door)] == [
        ("registered", {"status": "pending"})
    ]


async def _invited(database: Database, email: str, *, name: str = "") -> None:
    async with database.engine.begin() as connection:
        invited = {"status": "invited", "role": "member", "locale": "de", "version": 2}
        await connection.execute(insert(users).values(id=new_id(), email=email, name=name, **invited))


def _entered(outcome: Outcome) -> User:
    assert isinstance(outcome, SignedIn)
    return outcome.user


async def test_someone_invited_is_in_by_the_right_code_and_nobody_is_asked(door: Door) -> None:
    await door.admin()
    await _invited(door.database, "ada@example.org", name="Ada")
    ada = _entered(await _sign_in(door, "ada@example.org"))
    assert (ada.status, ada.name, ada.locale) == (Status.ACTIVE, "Ada", "de")
    (event,) = (event for event in await door.events() if isinstance(event, UserRegistered))
    assert event.data.recipients == 0


@pytest.mark.parametrize(("said", "called"), [("Ada", "Ada"), ("", "ada")])
async def test_someone_invited_may_register_as_well_and_is_called_what_the_invitation_says(
    door: Door, said: str, called: str
) -> None:
    await _invited(door.database, "ada@example.org", name=said)
    challenge = await door.register("ada@example.org", name="Mallory", locale="pt_BR")
    code = await door.mailed_code(challenge.id)
    ada = _entered(await door.answer(challenge.id, code))
    assert (ada.status, ada.name, ada.locale) == (Status.ACTIVE, called, "de")


async def test_a_newcomer_at_an_approved_domain_is_in_at_once(database: Database) -> None:
    door = Door(database, rules=LoginRules(approved_domains=frozenset({"example.org"})))
    await door.admin()
    for email, let_in in (
        ("ada@example.org", True),
        ("grace@mail.example.org", False),
        ("alan@notexample.org", False),
    ):
        challenge = await door.register(email)
        outcome = await door.answer(challenge.id, await door.mailed_code(challenge.id))
        assert isinstance(outcome, SignedIn if let_in else NotLetIn)
