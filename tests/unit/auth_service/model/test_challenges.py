from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from auth_service.model.challenges import Challenge, address_hash
from auth_service.model.codes import otp_code
from auth_service.model.peppers import Peppers
from auth_service.model.rules import Method

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEPPER = b"\x07" * 32
PEPPERS = Peppers([PEPPER])
ASKED = Challenge(
    id=UUID("0198c5f0-0000-7000-8000-000000000001"),
    user_id=UUID("0198c5f0-0000-7000-8000-000000000002"),
    code_salt=bytes(16),
    pepper_id=PEPPERS.newest_id,
    digits=6,
    purpose="sign_in",
    method="otp",
    attempts=1,
    address_hash=address_hash("ada@example.org"),
    budget_hash=bytes(32),
    budget=10,
    locale="en",
    proposed_name=None,
    proposed_locale=None,
    new_address=None,
    created_at=NOW,
    mailed_at=NOW,
    expires_at=NOW + timedelta(minutes=10),
)
CODE = otp_code(ASKED.id, code_salt=ASKED.code_salt, pepper=PEPPER, digits=6)


def test_a_challenge_knows_its_code() -> None:
    assert ASKED.is_answered_by(CODE, peppers=PEPPERS)
    assert not ASKED.is_answered_by(CODE[::-1] + "0", peppers=PEPPERS)


def test_a_code_survives_the_rotation_of_its_pepper() -> None:
    assert ASKED.is_answered_by(CODE, peppers=Peppers([b"\x08" * 32, PEPPER]))


def test_a_code_ends_with_its_pepper() -> None:
    assert not ASKED.is_answered_by(CODE, peppers=Peppers([b"\x08" * 32]))


def test_nothing_answers_a_decoy_not_even_its_own_code() -> None:
    decoy = replace(ASKED, user_id=None)
    assert decoy.code(PEPPERS) == CODE
    assert not decoy.is_answered_by(CODE, peppers=PEPPERS)


def test_five_codes_may_be_tried() -> None:
    assert [replace(ASKED, attempts=count).attempts_left for count in range(7)] == [5, 4, 3, 2, 1, 0, 0]


def test_another_mail_may_be_asked_for_some_time_after_the_last() -> None:
    again = replace(ASKED, mailed_at=NOW + timedelta(seconds=90))
    assert ASKED.resend_at(cooldown=timedelta(seconds=60)) == NOW + timedelta(seconds=60)
    assert again.resend_at(cooldown=timedelta(seconds=60)) == NOW + timedelta(seconds=150)


def test_no_code_answers_what_only_a_link_opens() -> None:
    assert not replace(ASKED, method="magic_link").is_answered_by(CODE, peppers=PEPPERS)
    assert replace(ASKED, method="otp_and_link").is_answered_by(CODE, peppers=PEPPERS)


@pytest.mark.parametrize(
    ("method", "code", "link"),
    [("otp", True, False), ("magic_link", False, True), ("otp_and_link", True, True)],
)
def test_a_method_says_what_is_mailed(method: Method, code: bool, link: bool) -> None:  # noqa: FBT001 - cases
    challenge = replace(ASKED, method=method)
    assert (challenge.mails_code, challenge.mails_link) == (code, link)


def test_an_answer_proves_the_address_it_was_mailed_to_and_no_other() -> None:
    assert ASKED.proves("ada@example.org")
    assert not ASKED.proves("ada@example.com")
