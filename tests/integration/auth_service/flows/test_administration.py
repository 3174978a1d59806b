from uuid import UUID

from auth_service.flows.administration import AuditPage, UserPage, list_audit_events, list_users
from auth_service.flows.decisions import reject
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status
from tests.integration.auth_service.door import Door, StatementLog
from tests.integration.auth_service.people import CALLER, noted, person


async def _page(door: Door, **query: object) -> UserPage:
    asked = {"statuses": (), "role": None, "containing": None, "before": None, "limit": 100} | query
    async with door.database.unit() as unit:
        return await list_users(unit=unit, **asked)  # type: ignore[arg-type]  # a test's shorthand


async def _trail(door: Door, **query: object) -> AuditPage:
    asked = {"about": None, "action": None, "before": None, "limit": 100} | query
    async with door.database.unit() as unit:
        return await list_audit_events(unit=unit, **asked)  # type: ignore[arg-type]  # a test's shorthand


async def _emails(door: Door, **query: object) -> list[str]:
    return [listed.user.email for listed in (await _page(door, **query)).users]


async def test_pages_follow_one_another_newest_first(door: Door) -> None:
    made = [await person(door, f"user{number}@example.org") for number in range(5)]
    first = await _page(door, limit=2)
    second = await _page(door, limit=2, before=first.next_before)
    third = await _page(door, limit=2, before=second.next_before)
    listed = [*first.users, *second.users, *third.users]
    assert [each.user.id for each in listed] == [user.id for user in reversed(made)]
    assert third.next_before is None


async def test_users_are_found_by_status_role_and_text(door: Door) -> None:
    await person(door, "ada@example.org", status=Status.PENDING)
    await person(door, "grace@example.org", status=Status.REJECTED, role=Role.ADMIN)
    await person(door, "sue@example.org", status=Status.SUSPENDED)
    assert await _emails(door, statuses=[Status.PENDING]) == ["ada@example.org"]
    assert await _emails(door, statuses=[Status.SUSPENDED, Status.PENDING]) == [
        "sue@example.org",
        "ada@example.org",
    ]
    assert await _emails(door, role=Role.ADMIN) == ["grace@example.org"]
    assert await _emails(door, containing="GRA") == ["grace@example.org"]
    assert await _emails(door, containing="GRA", role=Role.MEMBER) == []


async def test_a_list_tells_in_one_statement_who_decided_and_why(door: Door) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN, name="Root")
    ada = await person(door, status=Status.PENDING)
    async with door.database.unit() as unit:
        await reject(ada.id, reason="Too late", by=root.id, unit=unit, sealer=door.sealer)
    with StatementLog(door.database) as log:
        page = await _page(door)
    assert len(log.statements) == 1
    listed = {each.user.email: each for each in page.users}
    rejected = listed["ada@example.org"]
    assert (rejected.decided_by_name, rejected.user.decision_reason) == ("Root", "Too late")
    assert listed["root@example.org"].decided_by_name is None


async def _decide(door: Door, *user_ids: UUID, by: UUID) -> None:
    for user_id in user_ids:
        async with door.database.unit(caller=CALLER) as unit:
            await reject(user_id, reason=None, by=by, unit=unit, sealer=door.sealer)


async def test_the_trail_tells_who_did_what_to_whom_when_and_whence(door: Door) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN, name="Root")
    ada = await person(door, status=Status.PENDING)
    await _decide(door, ada.id, by=root.id)
    with StatementLog(door.database) as log:
        (entry,) = (await _trail(door)).entries
    assert len(log.statements) == 1
    assert (entry.actor_name, entry.subject_name) == ("Root", "Ada")
    event = entry.event
    assert (event.action, event.actor_id, event.subject_id) == (Action.REJECTED, root.id, ada.id)
    assert (event.client_address, event.trace_id) == (CALLER.client_address, CALLER.trace_id)


async def test_the_trail_is_paged_and_searched_by_person_and_action(door: Door) -> None:
    root = await person(door, "root@example.org", role=Role.ADMIN)
    people = [await person(door, f"user{number}@example.org", status=Status.PENDING) for number in range(3)]
    await _decide(door, *(user.id for user in people), by=root.id)
    first = await _trail(door, about=root.id, limit=2)
    second = await _trail(door, about=root.id, limit=2, before=first.next_before)
    assert [entry.event.subject_id for entry in (*first.entries, *second.entries)] == [
        user.id for user in reversed(people)
    ]
    assert second.next_before is None
    (about_one,) = (await _trail(door, about=people[1].id)).entries
    assert about_one.event.subject_id == people[1].id
    assert (await _trail(door, action=Action.APPROVED)).entries == []
    assert len((await _trail(door, action=Action.REJECTED)).entries) == len(await noted(door)) == 3
