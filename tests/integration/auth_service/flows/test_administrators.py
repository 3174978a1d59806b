import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import update

from auth_service.flows.administrators import create_admin
from auth_service.flows.changes import change
from auth_service.flows.decisions import suspend
from auth_service.flows.deletions import delete_account
from auth_service.model.audit import Action
from auth_service.model.users import LastAdministrator, Role, Status, User
from auth_service.storage.tables import users
from contracts.envelope import unseal
from contracts.events import AccountReinstated
from contracts.sealing import Contents
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import noted, person, seen, told

ROUNDS = 20


async def _suspend(door: Door, user_id: UUID, by: UUID) -> None:
    async with door.database.unit() as unit:
        await suspend(user_id, reason=None, by=by, unit=unit, sealer=door.sealer)


async def _demote(door: Door, user_id: UUID, by: UUID) -> None:
    async with door.database.unit() as unit:
        await change(user_id, name=None, role=Role.MEMBER, locale=None, by=by, unit=unit)


async def _delete(door: Door, user_id: UUID, by: UUID) -> None:
    async with door.database.unit() as unit:
        await delete_account(user_id, by=by, unit=unit, sealer=door.sealer)


Deed = Callable[[Door, UUID, UUID], Awaitable[None]]
every_deed = pytest.mark.parametrize("deed", [_suspend, _demote, _delete])


async def _administrators(door: Door) -> set[UUID]:
    async with door.database.unit() as unit:
        return {user.id for user in await unit.users.administrators()}


async def test_an_administrator_is_made_of_anyone_and_that_is_noted(door: Door) -> None:
    pending = await person(door, status=Status.PENDING)
    async with door.database.unit() as unit:
        admin = await create_admin("ada@example.org", name="Countess", unit=unit, sealer=door.sealer)
    assert admin.id == pending.id
    assert (admin.role, admin.status, admin.name) == (Role.ADMIN, Status.ACTIVE, "Countess")
    (entry,) = await noted(door)
    assert (entry.action, entry.actor_id, entry.subject_id) == (Action.ADMINISTRATOR_MADE, None, admin.id)
    assert entry.details == {"status_before": "pending", "role_before": "member"}


async def test_someone_shut_out_who_is_made_one_is_told_and_the_decision_is_undone(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    await _suspend(door, ada.id, root.id)
    made = await door.admin(ada.email)
    assert (made.status, made.decided_by, made.decided_at, made.decision_reason) == (
        Status.ACTIVE,
        None,
        None,
        None,
    )
    (event,) = await told(door, AccountReinstated)
    assert (event.data.user_id, event.sequence) == (ada.id, str(made.version))
    (mailed,) = unseal(event, Contents, sealer=door.sealer).recipients
    assert mailed.address == ada.email


async def test_an_administrator_made_by_many_at_once_is_made_and_noted_once(door: Door) -> None:
    made = await asyncio.gather(*(door.admin("root@example.org") for _ in range(10)))
    assert len({user.version for user in made}) == 1
    assert len(await noted(door)) == 1


@every_deed
async def test_the_last_administrator_stays_one(door: Door, deed: Deed) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN)
    await person(door, "idle@example.org", role=Role.ADMIN, status=Status.SUSPENDED)
    await person(door, "ada@example.org")
    with pytest.raises(LastAdministrator):
        await deed(door, root.id, root.id)
    assert await seen(door, root.id) == root
    assert (await door.events(), await noted(door)) == ([], [])


@every_deed
async def test_one_of_two_administrators_may_go(door: Door, deed: Deed) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN)
    other = await person(door, "other@example.org", role=Role.ADMIN)
    await deed(door, root.id, root.id)
    assert await _administrators(door) == {other.id}


async def test_the_last_administrator_may_be_called_otherwise(door: Door) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN)
    async with door.database.unit() as unit:
        changed = await change(root.id, name="Boss", role=Role.ADMIN, locale="en", by=root.id, unit=unit)
    assert (changed.name, changed.is_administrator) == ("Boss", True)


async def _restored(door: Door) -> tuple[User, User]:
    async with door.database.engine.begin() as connection:
        await connection.execute(
            update(users).values(status=Status.SUSPENDED.value)  # those of earlier rounds
        )
    return (
        await person(door, "one@example.org", role=Role.ADMIN),
        await person(door, "two@example.org", role=Role.ADMIN),
    )


@every_deed
async def test_of_two_administrators_who_depose_each_other_at_once_one_remains(
    door: Door, deed: Deed
) -> None:
    for _ in range(ROUNDS):
        one, two = await _restored(door)
        endings = await asyncio.gather(
            deed(door, two.id, one.id), deed(door, one.id, two.id), return_exceptions=True
        )
        assert sorted(type(ending).__name__ for ending in endings) == ["LastAdministrator", "NoneType"]
        assert len(await _administrators(door)) == 1


async def test_of_three_who_all_leave_at_once_one_remains(door: Door) -> None:
    for _ in range(ROUNDS):
        one, two = await _restored(door)
        three = await person(door, "three@example.org", role=Role.ADMIN)
        deeds: tuple[Deed, ...] = (_suspend, _demote, _delete)
        leaving = zip(deeds, (one, two, three), strict=True)
        endings = await asyncio.gather(
            *(deed(door, user.id, user.id) for deed, user in leaving), return_exceptions=True
        )
        assert [type(ending) for ending in endings].count(LastAdministrator) == 1
        assert len(await _administrators(door)) == 1
