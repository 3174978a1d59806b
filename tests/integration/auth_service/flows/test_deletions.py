import pytest
from sqlalchemy import func, insert, select

from auth_service.flows.deletions import delete_account
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status, User, UserUnknown
from auth_service.storage.tables import challenges, devices, links, sessions
from contracts.envelope import unseal
from contracts.events import AccountDeleted, SessionsRevoked
from contracts.identifiers import new_id
from contracts.sealing import Contents, Recipient
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import CALLER, is_gone, noted, person, sign_in, told


async def _delete(door: Door, user: User, *, by: User) -> User:
    async with door.database.unit(caller=CALLER) as unit:
        return await delete_account(user.id, by=by.id, unit=unit, sealer=door.sealer)


async def test_who_is_deleted_is_gone_and_told_so(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    assert await _delete(door, ada, by=root) == ada
    assert await is_gone(door, ada.id)
    (event,) = await told(door, AccountDeleted)
    assert (event.data.user_id, event.data.deleted_by, event.data.recipients) == (ada.id, root.id, 1)
    assert unseal(event, Contents, sealer=door.sealer).recipients == (
        Recipient(address="ada@example.org", name="Ada", locale="de"),
    )
    (entry,) = await noted(door)
    assert (entry.action, entry.actor_id, entry.subject_id) == (Action.DELETED, root.id, ada.id)
    assert entry.details == {"status": "active", "role": "member"}


async def test_everything_of_theirs_goes_and_nothing_of_others(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    hers = {await sign_in(door, ada), await sign_in(door, ada)}
    await sign_in(door, root)
    await door.ask(root.email)
    challenge = await door.ask(ada.email)
    async with door.database.engine.begin() as connection:
        await connection.execute(insert(links).values(token_hash=b"h" * 32, challenge_id=challenge.id))
        await connection.execute(
            insert(devices).values(
                [{"user_id": user.id, "token_hash": user.id.bytes * 2} for user in (ada, root)]
            )
        )
    await _delete(door, ada, by=root)
    (revoked,) = await told(door, SessionsRevoked)
    assert (set(revoked.data.session_ids), revoked.data.reason) == (hers, "deleted")
    async with door.database.engine.connect() as connection:
        for table, left in ((sessions, 1), (devices, 1), (challenges, 1)):
            rows = await connection.execute(select(table.c.user_id))
            assert rows.scalars().all() == [root.id] * left
        assert (await connection.execute(select(func.count()).select_from(links))).scalar_one() == 0


async def test_who_never_proved_the_address_is_not_written_to(door: Door) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN)
    ada = await person(door, status=Status.UNVERIFIED)
    await _delete(door, ada, by=root)
    (event,) = await told(door, AccountDeleted)
    assert (event.data.recipients, unseal(event, Contents, sealer=door.sealer).recipients) == (0, ())


async def test_nobody_is_deleted_twice(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    await _delete(door, ada, by=root)
    with pytest.raises(UserUnknown):
        await _delete(door, ada, by=root)
    assert len(await told(door, AccountDeleted)) == 1


async def test_the_name_of_who_is_gone_is_told_no_more(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    async with door.database.unit() as unit:
        assert await unit.users.name_of(ada.id) == "Ada"
    await _delete(door, ada, by=root)
    async with door.database.unit() as unit:
        assert await unit.users.name_of(ada.id) is None
        assert await unit.users.name_of(None) is None
        assert await unit.users.name_of(new_id()) is None
