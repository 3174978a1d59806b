import asyncio
from collections.abc import Mapping

import pytest

from auth_service.flows.invitations import invite
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status, TransitionNotAllowed, User
from contracts.envelope import unseal
from contracts.events import UserInvited, UserRegistered
from contracts.sealing import Invitation, Recipient
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import CALLER, noted, person, seen, told

ADA = "ada@example.org"


async def _invite(door: Door, **said: object) -> User:
    by = await person(door, "root@example.org", role=Role.ADMIN, name="Root")
    asked: Mapping[str, object] = {"name": None, "role": Role.MEMBER, "locale": None} | said
    async with door.database.unit(caller=CALLER) as unit:
        return await invite(ADA, by=by, unit=unit, sealer=door.sealer, **asked)  # type: ignore[arg-type]  # a test's shorthand


async def test_someone_unknown_is_invited_and_told_by_whom(door: Door) -> None:
    user = await _invite(door, name="Ada", locale="de", role=Role.ADMIN)
    assert (user.email, user.name, user.locale, user.role) == (ADA, "Ada", "de", Role.ADMIN)
    assert (user.status, user.is_administrator) == (Status.INVITED, False)
    (event,) = await told(door, UserInvited)
    assert (event.data.user_id, event.data.invited_by, event.data.locale) == (user.id, user.decided_by, "de")
    assert unseal(event, Invitation, sealer=door.sealer) == Invitation(
        recipients=(Recipient(address=ADA, name="Ada", locale="de"),), invited_by="Root"
    )
    (entry,) = await noted(door, user.id)
    assert (entry.action, entry.details) == (Action.INVITED, {"role": "admin"})


async def test_someone_who_asked_and_never_answered_is_invited(door: Door) -> None:
    asked = await person(door, ADA, status=Status.UNVERIFIED, name="")
    invited = await _invite(door)
    assert (invited.id, invited.status) == (asked.id, Status.INVITED)


async def test_the_right_code_lets_someone_invited_in_with_no_approval(door: Door) -> None:
    invited = await _invite(door, name="Ada")
    challenge = await door.ask(ADA)
    await door.answer(challenge.id, await door.mailed_code(challenge.id))
    user = await seen(door, invited.id)
    assert (user.status, user.name, user.role) == (Status.ACTIVE, "Ada", Role.MEMBER)
    registered = await told(door, UserRegistered)
    assert [event.data.recipients for event in registered] == [0]


@pytest.mark.parametrize("status", [Status.INVITED, Status.ACTIVE])
async def test_who_is_invited_or_in_stays_so_and_is_not_written_to(door: Door, status: Status) -> None:
    ada = await person(door, ADA, status=status)
    assert await _invite(door, name="Mallory", role=Role.ADMIN) == ada
    assert (await door.events(), await noted(door)) == ([], [])


async def test_ten_invitations_at_once_are_one(door: Door) -> None:
    by = await person(door, "root@example.org", role=Role.ADMIN)

    async def once() -> User:
        async with door.database.unit() as unit:
            return await invite(
                ADA, name=None, role=Role.MEMBER, locale=None, by=by, unit=unit, sealer=door.sealer
            )

    assert len({user.version for user in await asyncio.gather(*(once() for _ in range(10)))}) == 1
    assert len(await told(door, UserInvited)) == 1


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED, Status.SUSPENDED])
async def test_about_some_there_is_something_to_decide_instead(door: Door, status: Status) -> None:
    ada = await person(door, ADA, status=status)
    with pytest.raises(TransitionNotAllowed):
        await _invite(door)
    assert await seen(door, ada.id) == ada
    assert (await door.events(), await noted(door)) == ([], [])
