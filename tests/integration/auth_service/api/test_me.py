import asyncio
from collections import Counter

import pytest
from sqlalchemy import func, select

from auth_service.model.audit import Action
from auth_service.model.users import Role
from auth_service.storage.tables import challenges, devices, sessions, users
from contracts.envelope import unseal
from contracts.events import AccountDeleted, SessionsRevoked
from contracts.sealing import Contents
from tests.integration.auth_service.api.site import Site, problem
from tests.integration.auth_service.api.visits import visiting
from tests.integration.auth_service.presences import audited, present, set_status

ME = "/v1/me"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"name": "  Ada   Lovelace "}, {"name": "Ada Lovelace", "locale": "en"}),
        ({"locale": "pt-br"}, {"name": "Ada", "locale": "pt_BR"}),
        ({"name": "Łukasz", "locale": "de"}, {"name": "Łukasz", "locale": "de"}),
        ({"name": None, "locale": "de"}, {"name": "Ada", "locale": "de"}),
    ],
)
async def test_people_change_their_name_and_language(
    site: Site, sent: dict[str, str | None], told: dict[str, str]
) -> None:
    async with visiting(site) as ada:
        answer = await ada.browser.patch(ME, json=sent)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in told} == told
        assert (await ada.browser.get(ME)).json() == answer.json()
    (noted,) = await audited(site.parts.database, Action.CHANGED)
    assert noted["fields"] == [name for name, value in sent.items() if value is not None]
    assert (noted["actor"], noted["subject"]) == (ada.user.id, ada.user.id)


@pytest.mark.parametrize("sent", [{}, {"name": "Ada"}, {"name": None}])
async def test_what_changes_nothing_is_fine_and_not_noted(site: Site, sent: dict[str, str | None]) -> None:
    async with visiting(site) as ada:
        answer = await ada.browser.patch(ME, json=sent)
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
    assert await audited(site.parts.database, Action.CHANGED) == []


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"locale": "../x"}, "locale"),
        ({"version": "7"}, "body"),
    ],
)
async def test_what_is_not_a_name_or_a_language_is_refused(
    site: Site, sent: dict[str, str], field: str
) -> None:
    async with visiting(site) as ada:
        told = problem(await ada.browser.patch(ME, json=sent), 422, "invalid_request")
        assert [error["field"] for error in told["errors"]] == [field]
        me = (await ada.browser.get(ME)).json()
    assert (me["role"], me["email"], me["name"]) == ("member", "ada@example.org", "Ada")


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"role": "admin"}, "role"),
        ({"email": "eve@example.org", "name": "Eve"}, "email"),
        ({"status": "active", "role": None}, "role,status"),
        ({"id": 5}, "id"),
    ],
)
async def test_nobody_gives_themselves_what_is_not_theirs_to_give_and_trying_is_noted(
    site: Site, sent: dict[str, object], field: str
) -> None:
    async with visiting(site) as ada:
        problem(await ada.browser.patch(ME, json=sent), 403, "forbidden")
        me = (await ada.browser.get(ME)).json()
    assert (me["role"], me["email"], me["name"]) == ("member", "ada@example.org", "Ada")
    (noted,) = await audited(site.parts.database, Action.ACCESS_REFUSED)
    assert (noted["actor"], noted["reason"], noted["field"]) == (ada.user.id, "forbidden", field)
    assert noted["route"] == "PATCH /v1/me"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_page_elsewhere_changes_and_deletes_nothing(site: Site, method: str) -> None:
    async with visiting(site, origin="https://evil.example") as ada:
        answer = await ada.browser.request(method, ME, json={"name": "Eve"} if method == "PATCH" else None)
        problem(answer, 403, "origin_refused")
        assert (await ada.browser.get(ME)).json()["name"] == "Ada"
    assert await site.door.events() == []


async def test_an_account_is_deleted_with_all_that_is_its_owners(site: Site) -> None:
    database = site.parts.database
    elsewhere, grace = await present(database), await present(database, "grace@example.org")
    open_challenge = await site.door.ask("ada@example.org")
    code = await site.door.mailed_code(open_challenge.id)
    async with database.unit() as unit:
        await unit.devices.see(b"d" * 32, user_id=elsewhere.user.id)
    async with visiting(site) as ada:
        answer = await ada.browser.delete(ME)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        problem(await ada.browser.get(ME), 401, "unauthenticated")
        asked = f"/v1/login/challenges/{open_challenge.id}/verify"
        problem(await ada.browser.post(asked, json={"code": code}), 410, "challenge_closed")
    async with database.engine.connect() as connection:
        assert list((await connection.execute(select(users.c.id))).scalars()) == [grace.user.id]
        assert list((await connection.execute(select(sessions.c.user_id))).scalars()) == [grace.user.id]
        for table in (devices, challenges):
            assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == 0


async def test_whoever_deleted_their_account_is_told_at_its_address(site: Site) -> None:
    async with visiting(site, name="Ada Lovelace") as ada:
        await ada.browser.delete(ME)
    events = {type(event): event for event in await site.door.events()}
    deleted = events[AccountDeleted]
    assert isinstance(deleted, AccountDeleted)
    assert (deleted.data.user_id, deleted.data.deleted_by) == (ada.user.id, ada.user.id)
    (told,) = unseal(deleted, Contents, sealer=site.door.sealer).recipients
    assert (told.address, told.name) == ("ada@example.org", "Ada Lovelace")
    revoked = events[SessionsRevoked]
    assert isinstance(revoked, SessionsRevoked)
    assert (revoked.data.reason, revoked.data.session_ids) == ("deleted", (ada.session.id,))
    (noted,) = await audited(site.parts.database, Action.DELETED)
    assert (noted["actor"], noted["subject"]) == (ada.user.id, ada.user.id)


async def test_the_last_administrator_stays_and_goes_once_there_is_another(site: Site) -> None:
    async with visiting(site, "root@example.org", role=Role.ADMIN) as root:
        problem(await root.browser.delete(ME), 409, "last_administrator")
        assert (await root.browser.get(ME)).status_code == 200
        other = await present(site.parts.database, "boss@example.org", role=Role.ADMIN)
        await set_status(site.parts.database, other.user.id, "suspended")
        problem(await root.browser.delete(ME), 409, "last_administrator")
        await set_status(site.parts.database, other.user.id, "active")
        assert (await root.browser.delete(ME)).status_code == 204


async def test_a_program_changes_and_deletes_with_its_token_alone(site: Site) -> None:
    ada = await present(site.parts.database)
    async with site.client(headers=ada.bearer) as program:
        assert (await program.patch(ME, json={"name": "Countess"})).json()["name"] == "Countess"
        assert (await program.delete(ME)).status_code == 204
        problem(await program.get(ME), 401, "unauthenticated")


async def test_of_many_deletions_at_once_one_deletes_and_the_others_find_nobody(site: Site) -> None:
    async with visiting(site) as ada:
        answers = await asyncio.gather(
            *(ada.browser.delete(ME) for _ in range(6)),
            *(ada.browser.patch(ME, json={"name": f"Ada {number}"}) for number in range(4)),
        )
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[204] == 1
    assert {*statuses} <= {200, 204, 401}
    assert sum(isinstance(event, AccountDeleted) for event in await site.door.events()) == 1
