from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from auth_service.model.users import Role, Status, TransitionNotAllowed, User

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADMIN = UUID("00000000-0000-7000-8000-000000000001")
ADA = User(
    id=UUID("00000000-0000-7000-8000-000000000002"),
    email="ada@example.org",
    name="",
    locale="en",
    role=Role.MEMBER,
    status=Status.UNVERIFIED,
    version=1,
    created_at=NOW,
)


def test_a_right_code_makes_a_newcomer_pending_under_the_name_beside_it() -> None:
    verified = ADA.verified(name="Ada Lovelace", locale="de", approval_required=True)
    assert verified == replace(ADA, name="Ada Lovelace", locale="de", status=Status.PENDING, version=2)


def test_without_approval_a_newcomer_is_active_at_once() -> None:
    assert ADA.verified(name="Ada", locale=None, approval_required=False).status is Status.ACTIVE


def test_a_newcomer_without_a_name_is_called_by_their_address() -> None:
    verified = ADA.verified(name=None, locale=None, approval_required=True)
    assert (verified.name, verified.locale) == ("ada", "en")


def test_who_was_invited_is_called_as_they_say_or_else_as_the_invitation_did() -> None:
    invited = replace(ADA, status=Status.INVITED, name="Ada L.")
    assert invited.verified(name=None, locale=None, approval_required=False).name == "Ada L."
    verified = invited.verified(name="Ada", locale="de", approval_required=False)
    assert (verified.name, verified.locale, verified.status) == ("Ada", "de", Status.ACTIVE)


ALLOWED: Mapping[str, set[Status]] = {
    "verified": {Status.UNVERIFIED, Status.INVITED},
    "invited": {Status.UNVERIFIED},
    "approved": {Status.PENDING, Status.REJECTED},
    "rejected": {Status.PENDING},
    "suspended": {Status.ACTIVE},
    "reinstated": {Status.SUSPENDED},
}
TARGET = {
    "verified": Status.PENDING,
    "invited": Status.INVITED,
    "approved": Status.ACTIVE,
    "rejected": Status.REJECTED,
    "suspended": Status.SUSPENDED,
    "reinstated": Status.ACTIVE,
}
EVERY_MOVE = [(move, status) for move in ALLOWED for status in Status]


def _moved(user: User, move: str) -> User:
    match move:
        case "verified":
            return user.verified(name="Ada", locale=None, approval_required=True)
        case "invited":
            return user.invited(name="Ada", locale="de", role=Role.MEMBER, by=ADMIN, at=NOW)
        case "approved":
            return user.approved(by=ADMIN, at=NOW)
        case "rejected":
            return user.rejected(by=ADMIN, at=NOW, reason="Not one of us")
        case "suspended":
            return user.suspended(by=ADMIN, at=NOW, reason="Not one of us")
        case _:
            return user.reinstated(by=ADMIN, at=NOW)


@pytest.mark.parametrize(("move", "status"), EVERY_MOVE)
def test_each_move_is_made_from_where_it_may_be_and_from_nowhere_else(move: str, status: Status) -> None:
    user = replace(ADA, status=status, version=7)
    if status in ALLOWED[move]:
        moved = _moved(user, move)
        assert (moved.status, moved.version) == (TARGET[move], 8)
    else:
        with pytest.raises(TransitionNotAllowed, match=f"{status.value} cannot be {move}") as refused:
            _moved(user, move)
        assert refused.value.status is status


@pytest.mark.parametrize("move", ["invited", "approved", "rejected", "suspended", "reinstated"])
def test_a_decision_tells_by_whom_when_and_why(move: str) -> None:
    (status, *_) = ALLOWED[move]
    moved = _moved(replace(ADA, status=status, decision_reason="An older one"), move)
    why = "Not one of us" if move in {"rejected", "suspended"} else None
    assert (moved.decided_by, moved.decided_at, moved.decision_reason) == (ADMIN, NOW, why)


def test_an_invitation_names_someone_and_says_what_they_may_do() -> None:
    invited = ADA.invited(name="Ada", locale=None, role=Role.ADMIN, by=ADMIN, at=NOW)
    assert (invited.name, invited.locale, invited.role) == ("Ada", "en", Role.ADMIN)
    assert not invited.is_administrator


def test_what_is_given_is_changed_and_nothing_else() -> None:
    changed = ADA.changed(name="Ada", role=Role.ADMIN, locale="de")
    assert changed == replace(ADA, name="Ada", role=Role.ADMIN, locale="de", version=2)
    assert ADA.changed(locale="de") == replace(ADA, locale="de", version=2)


def test_a_change_to_the_same_is_none() -> None:
    assert ADA.changed(role=Role.MEMBER, locale="en") is ADA


@pytest.mark.parametrize("status", list(Status))
def test_a_promoted_user_is_an_active_administrator(status: Status) -> None:
    promoted = replace(ADA, status=status).promoted(name=None)
    assert promoted.is_administrator
    assert promoted.version == 2


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_an_administrator_who_is_not_active_is_none(status: Status) -> None:
    assert not replace(ADA, role=Role.ADMIN, status=status).is_administrator
