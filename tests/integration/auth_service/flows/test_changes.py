from collections.abc import Mapping
from uuid import UUID

import pytest

from auth_service.flows.changes import change
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status, User, UserUnknown
from contracts.identifiers import new_id
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import noted, person, seen


async def _change(door: Door, user_id: UUID, **asked: object) -> User:
    said: Mapping[str, object] = {"name": None, "role": None, "locale": None} | asked
    by = await person(door, "root@example.org", role=Role.ADMIN)
    async with door.database.unit() as unit:
        return await change(user_id, by=by.id, unit=unit, **said)  # type: ignore[arg-type]  # a test's shorthand


async def test_what_is_changed_is_kept_and_noted_without_names(door: Door) -> None:
    ada = await person(door)
    changed = await _change(door, ada.id, name="Countess", role=Role.ADMIN, locale="pt_BR")
    assert changed == await seen(door, ada.id)
    assert (changed.name, changed.role, changed.locale) == ("Countess", Role.ADMIN, "pt_BR")
    (entry,) = await noted(door)
    assert (entry.action, entry.subject_id) == (Action.CHANGED, ada.id)
    assert entry.details == {"fields": ["name", "role", "locale"], "role_before": "member", "role": "admin"}
    assert await door.events() == []


async def test_a_change_of_the_name_alone_tells_nothing_of_roles(door: Door) -> None:
    await _change(door, (await person(door)).id, name="Countess")
    assert [entry.details for entry in await noted(door)] == [{"fields": ["name"]}]


async def test_a_change_to_the_same_is_none(door: Door) -> None:
    ada = await person(door)
    assert await _change(door, ada.id, name="Ada", role=Role.MEMBER, locale="de") == ada
    assert await noted(door) == []


@pytest.mark.parametrize("status", list(Status))
async def test_anyone_may_be_changed_wherever_they_stand(door: Door, status: Status) -> None:
    ada = await person(door, status=status)
    assert (await _change(door, ada.id, locale="en")).status is status


@pytest.mark.parametrize("role", [None, *Role])
async def test_nobody_unknown_is_changed(door: Door, role: Role | None) -> None:
    with pytest.raises(UserUnknown):
        await _change(door, new_id(), role=role)
