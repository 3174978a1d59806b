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


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.UNVERIFIED])
def test_only_the_unverified_are_verified(status: Status) -> None:
    with pytest.raises(TransitionNotAllowed, match=status.value):
        replace(ADA, status=status).verified(name="Mallory", locale=None, approval_required=True)


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED])
def test_those_who_wait_or_were_rejected_can_be_approved(status: Status) -> None:
    approved = replace(ADA, status=status, version=7).approved(by=ADMIN, at=NOW)
    assert (approved.status, approved.version) == (Status.ACTIVE, 8)
    assert (approved.decided_by, approved.decided_at) == (ADMIN, NOW)


@pytest.mark.parametrize("status", [Status.UNVERIFIED, Status.ACTIVE, Status.SUSPENDED])
def test_nobody_else_can_be_approved(status: Status) -> None:
    with pytest.raises(TransitionNotAllowed) as refused:
        replace(ADA, status=status).approved(by=ADMIN, at=NOW)
    assert refused.value.status is status


@pytest.mark.parametrize("status", list(Status))
def test_a_promoted_user_is_an_active_administrator(status: Status) -> None:
    promoted = replace(ADA, status=status).promoted(name=None)
    assert promoted.is_administrator
    assert promoted.version == 2


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_an_administrator_who_is_not_active_is_none(status: Status) -> None:
    assert not replace(ADA, role=Role.ADMIN, status=status).is_administrator
