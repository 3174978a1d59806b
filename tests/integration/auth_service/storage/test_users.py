import asyncio
from dataclasses import replace

import pytest

from auth_service.model.users import Status, User, UserUnknown
from auth_service.storage.database import Database
from auth_service.storage.users import UserChanged
from contracts.identifiers import new_id


class Stumbled(Exception):
    """Something went wrong in the middle of a flow."""


async def _add(database: Database, email: str) -> User:
    async with database.unit() as unit:
        return await unit.users.find_or_add(email)


async def test_a_newcomer_is_unverified_and_nameless(database: Database) -> None:
    user = await _add(database, "ada@example.org")
    assert (user.status, user.name, user.version) == (Status.UNVERIFIED, "", 1)
    async with database.unit() as unit:
        assert await unit.users.find("ada@example.org") == user


async def test_adding_someone_known_gives_them_back_unchanged(database: Database) -> None:
    first = await _add(database, "ada@example.org")
    assert await _add(database, "ada@example.org") == first


async def test_fifty_who_add_one_address_make_one_user(database: Database) -> None:
    users = await asyncio.gather(*(_add(database, "ada@example.org") for _ in range(50)))
    assert len({user.id for user in users}) == 1


async def test_a_transition_is_saved(database: Database) -> None:
    user = await _add(database, "ada@example.org")
    pending = user.verified(name="Ada", locale="de", approval_required=True)
    async with database.unit() as unit:
        await unit.users.save(pending)
        assert await unit.users.get_locked(user.id) == pending


async def test_a_transition_of_an_old_version_is_refused(database: Database) -> None:
    user = await _add(database, "ada@example.org")
    pending = user.verified(name="Ada", locale=None, approval_required=True)
    async with database.unit() as unit:
        await unit.users.save(pending)
    with pytest.raises(UserChanged):
        async with database.unit() as unit:
            await unit.users.save(replace(pending, name="Mallory"))


async def test_nobody_is_found_under_an_unknown_id(database: Database) -> None:
    with pytest.raises(UserUnknown):
        async with database.unit() as unit:
            await unit.users.get_locked(new_id())


async def test_an_error_rolls_everything_back(database: Database) -> None:
    async def add_and_stumble() -> None:
        async with database.unit() as unit:
            await unit.users.find_or_add("ada@example.org")
            raise Stumbled

    with pytest.raises(Stumbled):
        await add_and_stumble()
    async with database.unit() as unit:
        assert await unit.users.find("ada@example.org") is None


@pytest.mark.parametrize(
    ("containing", "found"),
    [
        ("ADA", {"ada@example.org"}),
        ("example", {"ada@example.org", "a_b@example.org"}),
        ("_", {"a_b@example.org"}),
        ("%", set()),
    ],
)
async def test_a_search_takes_signs_as_they_are(database: Database, containing: str, found: set[str]) -> None:
    for email in ("ada@example.org", "a_b@example.org"):
        await _add(database, email)
    async with database.unit() as unit:
        page = await unit.users.page(statuses=(), role=None, containing=containing, before=None, limit=10)
    assert {listed.user.email for listed in page} == found
