import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import pytest

from auth_service.flows.decisions import approve, reinstate, reject, suspend
from auth_service.model.audit import Action
from auth_service.model.users import Role, Status, TransitionNotAllowed, User, UserUnknown
from contracts.envelope import unseal
from contracts.events import (
    AccountApproved,
    AccountReinstated,
    AccountRejected,
    AccountSuspended,
    SessionsRevoked,
)
from contracts.identifiers import new_id
from contracts.sealing import Contents, Reasoned, Recipient
from tests.integration.auth_service.door import Door
from tests.integration.auth_service.people import CALLER, noted, person, seen, sign_in, told

Decided = AccountApproved | AccountRejected | AccountSuspended | AccountReinstated
REASON = "Not on the list"


@dataclass(frozen=True)
class Decision:
    """A decision: from where to where, what tells of it, what is noted of it, and who it says decided."""

    before: Status
    after: Status
    event: type[Decided]
    action: Action
    who: str


DECISIONS: Mapping[str, Decision] = {
    "approve": Decision(Status.PENDING, Status.ACTIVE, AccountApproved, Action.APPROVED, "approved_by"),
    "reject": Decision(Status.PENDING, Status.REJECTED, AccountRejected, Action.REJECTED, "rejected_by"),
    "suspend": Decision(Status.ACTIVE, Status.SUSPENDED, AccountSuspended, Action.SUSPENDED, "suspended_by"),
    "reinstate": Decision(
        Status.SUSPENDED, Status.ACTIVE, AccountReinstated, Action.REINSTATED, "reinstated_by"
    ),
}
every_decision = pytest.mark.parametrize("verb", list(DECISIONS))


async def _decide(door: Door, verb: str, user_id: UUID, *, by: UUID, reason: str | None = REASON) -> User:
    async with door.database.unit(caller=CALLER) as unit:
        decisions: Mapping[str, Callable[[], Awaitable[User]]] = {
            "approve": lambda: approve(user_id, by=by, unit=unit, sealer=door.sealer),
            "reject": lambda: reject(user_id, reason=reason, by=by, unit=unit, sealer=door.sealer),
            "suspend": lambda: suspend(user_id, reason=reason, by=by, unit=unit, sealer=door.sealer),
            "reinstate": lambda: reinstate(user_id, by=by, unit=unit, sealer=door.sealer),
        }
        return await decisions[verb]()


@every_decision
async def test_a_decision_is_kept_told_to_whom_it_is_about_and_noted(door: Door, verb: str) -> None:
    decision, root = DECISIONS[verb], await person(door, "root@example.org", role=Role.ADMIN)
    ada = await person(door, status=decision.before)
    user = await _decide(door, verb, ada.id, by=root.id)
    assert user == await seen(door, ada.id)
    assert (user.status, user.decided_by, user.version) == (decision.after, root.id, ada.version + 1)
    (event,) = await told(door, decision.event)
    assert (event.data.user_id, getattr(event.data, decision.who)) == (ada.id, root.id)
    assert (event.data.locale, event.sequence) == ("de", str(user.version))
    assert event.traceparent == CALLER.traceparent
    assert unseal(event, Contents, sealer=door.sealer).recipients == (
        Recipient(address="ada@example.org", name="Ada", locale="de"),
    )
    (entry,) = await noted(door)
    assert (entry.action, entry.actor_id, entry.subject_id) == (decision.action, root.id, ada.id)
    assert entry.client_address == CALLER.client_address


@pytest.mark.parametrize("verb", ["reject", "suspend"])
@pytest.mark.parametrize("reason", [REASON, None])
async def test_a_reason_is_kept_with_the_account_and_sealed_for_its_owner(
    door: Door, verb: str, reason: str | None
) -> None:
    decision, root = DECISIONS[verb], await person(door, "root@example.org", role=Role.ADMIN)
    ada = await person(door, status=decision.before)
    user = await _decide(door, verb, ada.id, by=root.id, reason=reason)
    assert user.decision_reason == reason
    (event,) = await told(door, decision.event)
    assert unseal(event, Reasoned, sealer=door.sealer).reason == reason
    assert REASON not in event.model_dump_json()
    assert [entry.details for entry in await noted(door)] == [{}]


@every_decision
async def test_a_decision_repeated_is_told_and_noted_once(door: Door, verb: str) -> None:
    decision, root = DECISIONS[verb], await person(door, "root@example.org", role=Role.ADMIN)
    ada = await person(door, status=decision.before)
    decided = await asyncio.gather(*(_decide(door, verb, ada.id, by=root.id) for _ in range(10)))
    assert {user.version for user in decided} == {ada.version + 1}
    assert len(await told(door, decision.event)) == 1
    assert len(await noted(door)) == 1


NOT_ALLOWED = [
    ("approve", {Status.UNVERIFIED, Status.INVITED, Status.SUSPENDED}),
    ("reject", {Status.UNVERIFIED, Status.INVITED, Status.ACTIVE, Status.SUSPENDED}),
    ("suspend", {Status.UNVERIFIED, Status.INVITED, Status.PENDING, Status.REJECTED}),
    ("reinstate", {Status.UNVERIFIED, Status.INVITED, Status.PENDING, Status.REJECTED}),
]


@pytest.mark.parametrize(
    ("verb", "status"), [(verb, status) for verb, found in NOT_ALLOWED for status in sorted(found)]
)
async def test_a_decision_that_is_not_allowed_changes_nothing(door: Door, verb: str, status: Status) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door, status=status)
    with pytest.raises(TransitionNotAllowed):
        await _decide(door, verb, ada.id, by=root.id)
    assert await seen(door, ada.id) == ada
    assert (await door.events(), await noted(door)) == ([], [])


@every_decision
async def test_nothing_is_decided_about_nobody(door: Door, verb: str) -> None:
    with pytest.raises(UserUnknown):
        await _decide(door, verb, new_id(), by=new_id())


async def test_who_was_rejected_may_still_be_approved(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    ada = await person(door, status=Status.PENDING)
    await _decide(door, "reject", ada.id, by=root.id)
    approved = await _decide(door, "approve", ada.id, by=root.id)
    assert (approved.status, approved.decision_reason) == (Status.ACTIVE, None)


async def test_a_suspension_ends_every_session_and_tells_which(door: Door) -> None:
    root, ada = await person(door, "root@example.org", role=Role.ADMIN), await person(door)
    grace = await person(door, "grace@example.org", name="Grace")
    hers = {await sign_in(door, ada) for _ in range(3)}
    await sign_in(door, grace)
    await _decide(door, "suspend", ada.id, by=root.id)
    (revoked,) = await told(door, SessionsRevoked)
    assert (set(revoked.data.session_ids), revoked.data.reason) == (hers, "suspended")
    assert (revoked.data.recipients, unseal(revoked, Contents, sealer=door.sealer).recipients) == (0, ())
    assert [entry.action for entry in await noted(door)] == [Action.SUSPENDED, Action.SESSIONS_REVOKED]
    async with door.database.unit() as unit:
        assert await unit.sessions.end_all_of(ada.id) == []
        assert len(await unit.sessions.end_all_of(grace.id)) == 1
