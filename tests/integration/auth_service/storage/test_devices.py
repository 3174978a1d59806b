from auth_service.model.tokens import new_token, token_hash
from auth_service.storage.database import Database
from auth_service.storage.devices import Seen
from tests.integration.auth_service.door import Door

LAPTOP, PHONE = token_hash("L" * 43), token_hash("P" * 43)


async def test_a_device_is_new_once(database: Database) -> None:
    ada = await Door(database).admin("ada@example.org")
    async with database.unit() as unit:
        assert await unit.devices.see(LAPTOP, user_id=ada.id) == Seen(new=True, others=False)
    async with database.unit() as unit:
        assert await unit.devices.see(LAPTOP, user_id=ada.id) == Seen(new=False, others=False)


async def test_a_second_device_is_new_where_another_was_known(database: Database) -> None:
    ada = await Door(database).admin("ada@example.org")
    async with database.unit() as unit:
        await unit.devices.see(LAPTOP, user_id=ada.id)
        assert await unit.devices.see(PHONE, user_id=ada.id) == Seen(new=True, others=True)
        assert await unit.devices.see(LAPTOP, user_id=ada.id) == Seen(new=False, others=True)


async def test_one_device_may_be_known_to_several_accounts(database: Database) -> None:
    door = Door(database)
    ada, grace = await door.admin("ada@example.org"), await door.admin("grace@example.org")
    async with database.unit() as unit:
        await unit.devices.see(LAPTOP, user_id=ada.id)
        assert await unit.devices.see(LAPTOP, user_id=grace.id) == Seen(new=True, others=False)


async def test_a_forgotten_device_is_new_again_to_an_account_that_knows_it_had_some(
    database: Database,
) -> None:
    ada = await Door(database).admin("ada@example.org")
    async with database.unit() as unit:
        await unit.devices.see(LAPTOP, user_id=ada.id)
        await unit.devices.forget(ada.id, but=None)
    async with database.unit() as unit:
        assert await unit.devices.see(LAPTOP, user_id=ada.id) == Seen(new=True, others=True)


async def test_the_device_that_asks_to_forget_the_others_is_kept(database: Database) -> None:
    ada, own = await Door(database).admin("ada@example.org"), new_token()
    async with database.unit() as unit:
        await unit.devices.see(LAPTOP, user_id=ada.id)
        await unit.devices.see(token_hash(own), user_id=ada.id)
        await unit.devices.forget(ada.id, but=own)
    async with database.unit() as unit:
        assert await unit.devices.see(token_hash(own), user_id=ada.id) == Seen(new=False, others=True)
        assert await unit.devices.see(LAPTOP, user_id=ada.id) == Seen(new=True, others=True)
