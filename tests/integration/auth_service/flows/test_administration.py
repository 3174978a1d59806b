import asyncio

import pytest
from sqlalchemy import update

from auth_service.flows.administration import UserPage, list_users
from auth_service.flows.administrators import create_admin
from auth_service.model.users import Role, Status, TransitionNotAllowed, User, UserUnknown
from auth_service.storage.tables import users
from contracts.envelope import unseal
from contracts.events import AccountApproved
from contracts.identifiers import new_id
from contracts.sealing import Contents, Recipient
from tests.integration.auth_service.door import Door


async def _newcomer(door: Door, email: str = "ada@example.org", *, status: Status = Status.PENDING) -> User:
    challenge = await door.register(email, name="Ada", locale="de")
    await door.answer(challenge.id, await door.mailed_code(challenge.id))
    async with door.database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.email == email).values(status=status.value))
    async with door.database.unit() as unit:
        user = await unit.users.find(email)
    assert user is not None
    return user


async def _page(door: Door, **query: object) -> UserPage:
    asked = {"status": None, "containing": None, "before": None, "limit": 100} | query
    async with door.database.unit() as unit:
        return await list_users(unit=unit, **asked)  # type: ignore[arg-type]  # a test's shorthand


def _approvals(events: object) -> list[AccountApproved]:
    assert isinstance(events, list)
    return [event for event in events if isinstance(event, AccountApproved)]


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED])
async def test_someone_approved_is_active_and_told_so(door: Door, status: Status) -> None:
    admin, waiting = await door.admin(), await _newcomer(door, status=status)
    user = await door.approve(waiting.id, by=admin.id)
    assert (user.status, user.decided_by) == (Status.ACTIVE, admin.id)
    assert user.decided_at is not None
    (event,) = _approvals(await door.events())
    assert (event.data.approved_by, event.data.locale, event.sequence) == (admin.id, "de", str(user.version))
    assert unseal(event, Contents, sealer=door.sealer).recipients == (
        Recipient(address="ada@example.org", name="Ada", locale="de"),
    )


async def test_approving_again_tells_nobody_again(door: Door) -> None:
    admin, waiting = await door.admin(), await _newcomer(door)
    approved = await asyncio.gather(*(door.approve(waiting.id, by=admin.id) for _ in range(10)))
    assert len({user.version for user in approved}) == 1
    assert len(_approvals(await door.events())) == 1


@pytest.mark.parametrize("status", [Status.UNVERIFIED, Status.SUSPENDED])
async def test_a_move_that_is_not_allowed_changes_nothing(door: Door, status: Status) -> None:
    admin, waiting = await door.admin(), await _newcomer(door, status=status)
    with pytest.raises(TransitionNotAllowed):
        await door.approve(waiting.id, by=admin.id)
    assert _approvals(await door.events()) == []


async def test_nobody_unknown_is_approved(door: Door) -> None:
    with pytest.raises(UserUnknown):
        await door.approve(new_id(), by=new_id())


async def test_an_administrator_is_made_of_anyone(door: Door) -> None:
    pending = await _newcomer(door)
    async with door.database.unit() as unit:
        admin = await create_admin("ada@example.org", name="Countess", unit=unit)
    assert admin.id == pending.id
    assert (admin.role, admin.status, admin.name) == (Role.ADMIN, Status.ACTIVE, "Countess")
    assert await door.admin("ada@example.org") == admin


async def test_pages_follow_one_another_newest_first(door: Door) -> None:
    made = [await _newcomer(door, f"user{number}@example.org") for number in range(5)]
    first = await _page(door, limit=2)
    second = await _page(door, limit=2, before=first.next_before)
    third = await _page(door, limit=2, before=second.next_before)
    listed = [*first.users, *second.users, *third.users]
    assert [user.id for user in listed] == [user.id for user in reversed(made)]
    assert third.next_before is None


async def test_users_are_found_by_status_and_text(door: Door) -> None:
    await _newcomer(door, "ada@example.org")
    await _newcomer(door, "grace@example.org", status=Status.REJECTED)
    assert [user.email for user in (await _page(door, status=Status.PENDING)).users] == ["ada@example.org"]
    assert [user.email for user in (await _page(door, containing="GRA")).users] == ["grace@example.org"]
