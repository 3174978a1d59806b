from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from auth_service.model.approval import needs_approval
from auth_service.model.rules import LoginRules
from auth_service.model.users import Role, Status, User

ADA = User(
    id=UUID("00000000-0000-7000-8000-000000000002"),
    email="ada@example.org",
    name="",
    locale="en",
    role=Role.MEMBER,
    status=Status.UNVERIFIED,
    version=1,
    created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
)


def test_a_newcomer_waits_for_approval() -> None:
    assert needs_approval(ADA, rules=LoginRules())


def test_nobody_waits_where_approval_is_off() -> None:
    assert not needs_approval(ADA, rules=LoginRules(approval_required=False))


def test_who_was_invited_waits_for_nobody() -> None:
    assert not needs_approval(replace(ADA, status=Status.INVITED), rules=LoginRules())


@pytest.mark.parametrize(
    ("email", "waits"),
    [
        ("ada@example.org", False),
        ("ada@sub.example.org", True),
        ("ada@notexample.org", True),
        ("ada@example.org.evil.test", True),
        ("example.org@evil.test", True),
    ],
)
def test_a_domain_that_is_let_in_is_the_whole_domain_and_no_other(email: str, *, waits: bool) -> None:
    rules = LoginRules(approved_domains=frozenset({"example.org"}))
    assert needs_approval(replace(ADA, email=email), rules=rules) is waits
