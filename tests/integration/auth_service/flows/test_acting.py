"""Rights that are lost after a request was let in, and before its deed: nothing of it is done."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from auth_service.flows.address_changes import ask_to_move
from auth_service.flows.changes import change
from auth_service.flows.decisions import approve, reinstate, reject, suspend
from auth_service.flows.deletions import delete_account
from auth_service.flows.departures import end_other_sessions, end_session
from auth_service.flows.invitations import invite
from auth_service.model.actors import Actor, NoAdministrator, NoLongerSignedIn
from auth_service.model.users import LastAdministrator, Role, Status, User
from auth_service.storage.tables import challenges, sessions, users
from auth_service.storage.unit import UnitOfWork
from tests.integration.auth_service.door import BINDING, Door
from tests.integration.auth_service.people import noted, person, seen
from tests.integration.auth_service.presences import Present, age, present, set_status
from tests.support.waiting import until

ROUNDS = 20
ADA = "ada@example.org"


def _actor(door: Door, who: Present, *, administering: bool = True) -> Actor:
    return Actor(
        user_id=who.user.id,
        session_id=who.session.id,
        session_idle=door.rules.session_idle,
        administering=administering,
    )


async def _do(deed: str, about: User, *, by: Present, door: Door, unit: UnitOfWork) -> object:
    sealer, me = door.sealer, by.user
    done: dict[str, Callable[[], Awaitable[object]]] = {
        "approve": lambda: approve(about.id, by=me.id, unit=unit, sealer=sealer),
        "reject": lambda: reject(about.id, reason=None, by=me.id, unit=unit, sealer=sealer),
        "suspend": lambda: suspend(about.id, reason=None, by=me.id, unit=unit, sealer=sealer),
        "reinstate": lambda: reinstate(about.id, by=me.id, unit=unit, sealer=sealer),
        "delete": lambda: delete_account(about.id, by=me.id, unit=unit, sealer=sealer),
        "rename": lambda: change(about.id, name="X", role=None, locale=None, by=me.id, unit=unit),
        "demote": lambda: change(about.id, name=None, role=Role.MEMBER, locale=None, by=me.id, unit=unit),
        "invite": lambda: invite(
            "new@example.org", name=None, role=Role.ADMIN, locale=None, by=me, unit=unit, sealer=sealer
        ),
        "invite known": lambda: invite(
            about.email, name=None, role=Role.ADMIN, locale=None, by=me, unit=unit, sealer=sealer
        ),
        "rename oneself": lambda: change(me.id, name="X", role=None, locale=None, by=me.id, unit=unit),
        "delete oneself": lambda: delete_account(me.id, by=me.id, unit=unit, sealer=sealer),
        "end others": lambda: end_other_sessions(
            me, current=by.session, device=None, unit=unit, rules=door.rules, sealer=sealer
        ),
        "end one": lambda: end_session(
            by.session.id, user=me, current=by.session, unit=unit, rules=door.rules, sealer=sealer
        ),
        "ask to move": lambda: ask_to_move(
            me,
            "moved@example.org",
            binding=BINDING,
            unit=unit,
            rules=door.rules,
            peppers=door.peppers,
            sealer=sealer,
        ),
    }
    return await done[deed]()


STANDINGS = {
    "approve": Status.PENDING,
    "reject": Status.PENDING,
    "suspend": Status.ACTIVE,
    "reinstate": Status.SUSPENDED,
    "delete": Status.ACTIVE,
    "rename": Status.ACTIVE,
    "demote": Status.ACTIVE,
    "invite": Status.ACTIVE,
    "invite known": Status.UNVERIFIED,
}
OWN = ("rename oneself", "delete oneself", "end others", "end one", "ask to move")


async def _everything(door: Door) -> list[object]:
    async with door.database.engine.connect() as connection:
        return [
            (await connection.execute(select(table).order_by(table.c.id))).all()
            for table in (users, sessions, challenges)
        ] + [await door.events(), await noted(door)]


async def _suspended(door: Door, who: Present) -> None:
    await set_status(door.database, who.user.id, "suspended")


async def _demoted(door: Door, who: Present) -> None:
    async with door.database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == who.user.id).values(role="member"))


async def _signed_out(door: Door, who: Present) -> None:
    async with door.database.engine.begin() as connection:
        await connection.execute(sessions.delete().where(sessions.c.id == who.session.id))


async def _idled_out(door: Door, who: Present) -> None:
    await age(door.database, who.session.id, last_seen_at=door.rules.session_idle + timedelta(seconds=1))


async def _deleted(door: Door, who: Present) -> None:
    async with door.database.engine.begin() as connection:
        await connection.execute(users.delete().where(users.c.id == who.user.id))


Loss = Callable[[Door, Present], Awaitable[None]]
LEAVING: tuple[Loss, ...] = (_suspended, _signed_out, _idled_out, _deleted)


async def _try(door: Door, deed: str, about: User, *, by: Present, administering: bool = True) -> object:
    actor = _actor(door, by, administering=administering)
    async with door.database.unit(actor=actor) as unit:
        return await _do(deed, about, by=by, door=door, unit=unit)


@pytest.mark.parametrize("lost", LEAVING)
@pytest.mark.parametrize("deed", [*STANDINGS, *OWN])
async def test_who_is_not_signed_in_any_more_does_nothing(door: Door, deed: str, lost: Loss) -> None:
    root = await present(door.database, "root@example.org", role=Role.ADMIN)
    await person(door, "other@example.org", role=Role.ADMIN)
    ada = await person(door, ADA, status=STANDINGS.get(deed, Status.ACTIVE))
    await lost(door, root)
    before = await _everything(door)
    with pytest.raises(NoLongerSignedIn):
        await _try(door, deed, ada, by=root, administering=deed not in OWN)
    assert await _everything(door) == before


@pytest.mark.parametrize("deed", STANDINGS)
async def test_who_is_no_administrator_any_more_decides_nothing(door: Door, deed: str) -> None:
    root = await present(door.database, "root@example.org", role=Role.ADMIN)
    await person(door, "other@example.org", role=Role.ADMIN)
    ada = await person(door, ADA, status=STANDINGS[deed])
    await _demoted(door, root)
    before = await _everything(door)
    with pytest.raises(NoAdministrator):
        await _try(door, deed, ada, by=root)
    assert await _everything(door) == before


@pytest.mark.parametrize("deed", [*STANDINGS, *OWN])
async def test_whoever_still_may_does_it(door: Door, deed: str) -> None:
    root = await present(door.database, "root@example.org", role=Role.ADMIN)
    await person(door, "other@example.org", role=Role.ADMIN)
    ada = await person(door, ADA, status=STANDINGS.get(deed, Status.ACTIVE))
    before = await _everything(door)
    await _try(door, deed, ada, by=root, administering=deed not in OWN)
    if deed not in {"demote", "end others"}:  # of whom there is nothing to take
        assert await _everything(door) != before


async def _blocked(door: Door) -> None:
    """Wait until a transaction waits for another one's lock."""

    async def waits() -> bool:
        async with door.database.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
            )
            return bool(found.scalar_one())

    await until(waits, within=10.0)


async def test_a_deed_that_waits_for_its_actors_suspension_is_not_done(door: Door) -> None:
    root, boss = [
        await present(door.database, f"{name}@example.org", role=Role.ADMIN) for name in ("root", "boss")
    ]
    ada = await person(door, ADA, status=Status.PENDING)
    async with door.database.unit(actor=_actor(door, boss)) as unit:
        await suspend(root.user.id, reason=None, by=boss.user.id, unit=unit, sealer=door.sealer)
        waiting = asyncio.create_task(_try(door, "approve", ada, by=root))
        await _blocked(door)
        assert not waiting.done()
    with pytest.raises(NoLongerSignedIn):
        await waiting
    assert (await seen(door, ada.id)).status is Status.PENDING


async def test_a_suspension_waits_for_what_its_subject_is_doing(door: Door) -> None:
    root, boss = [
        await present(door.database, f"{name}@example.org", role=Role.ADMIN) for name in ("root", "boss")
    ]
    ada = await person(door, ADA, status=Status.PENDING)
    async with door.database.unit(actor=_actor(door, root)) as unit:
        await approve(ada.id, by=root.user.id, unit=unit, sealer=door.sealer)
        waiting = asyncio.create_task(_try(door, "suspend", root.user, by=boss))
        await _blocked(door)
        assert not waiting.done()
    await waiting
    assert (await seen(door, ada.id)).status is Status.ACTIVE
    assert (await seen(door, root.user.id)).status is Status.SUSPENDED


@pytest.mark.parametrize("deed", ["suspend", "demote", "delete"])
async def test_of_two_who_depose_each_other_one_stays_and_the_other_has_no_say(door: Door, deed: str) -> None:
    for number in range(ROUNDS):
        one, two = [
            await present(door.database, f"{name}{number}@example.org", role=Role.ADMIN)
            for name in ("one", "two")
        ]
        endings = await asyncio.gather(
            _try(door, deed, two.user, by=one), _try(door, deed, one.user, by=two), return_exceptions=True
        )
        refused = [ending for ending in endings if isinstance(ending, BaseException)]
        assert len(refused) == 1
        assert isinstance(refused[0], NoLongerSignedIn | NoAdministrator)
        async with door.database.unit() as unit:
            left = await unit.users.administrators()
        assert len(left) == 1
        await set_status(door.database, left[0].id, "suspended")


async def test_administrators_who_decide_at_once_about_the_same_people_never_wait_for_ever(
    door: Door,
) -> None:
    deciding = [
        await present(door.database, f"root{number}@example.org", role=Role.ADMIN) for number in range(3)
    ]
    people = [await person(door, f"user{number}@example.org", status=Status.PENDING) for number in range(6)]
    deeds = ("approve", "rename", "invite known", "delete", "suspend")

    async def decide(by: Present, order: int) -> list[str]:
        endings = []
        for deed in deeds:
            for about in people[::order]:
                try:
                    await _try(door, deed, about, by=by)
                except Exception as fault:  # noqa: BLE001 - what it is, is judged below
                    endings.append(type(fault).__name__)
        return endings

    found = await asyncio.gather(*(decide(by, order) for by, order in zip(deciding, (1, -1, 1), strict=True)))
    assert set(Counter(name for names in found for name in names)) <= {
        "TransitionNotAllowed",
        "UserUnknown",
        LastAdministrator.__name__,
    }
