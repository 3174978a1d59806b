from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auth_service.model.challenges import Challenge
from auth_service.model.codes import otp_code
from auth_service.model.peppers import Peppers

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


def test_another_mail_may_be_asked_for_after_a_minute() -> None:
    assert ASKED.resend_at == NOW + timedelta(seconds=60)
