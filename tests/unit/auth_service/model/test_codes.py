import hashlib
import hmac
import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model.codes import otp_code, same_code, typed_code

CHALLENGE = UUID("0198c5f0-0000-7000-8000-000000000001")


@given(st.uuids(), st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_a_code_is_the_truncation_that_rfc_4226_describes(
    challenge: UUID, salt: bytes, pepper: bytes
) -> None:
    digest = hmac.new(pepper, challenge.bytes + salt, hashlib.sha256).digest()
    (word,) = struct.unpack_from(">I", digest, digest[31] % 16)
    expected = str((word % 2**31) % 1_000_000).zfill(6)
    assert otp_code(challenge, code_salt=salt, pepper=pepper, digits=6) == expected


@pytest.mark.parametrize("digits", [6, 7, 8])
def test_a_code_has_the_digits_asked_for(digits: int) -> None:
    code = otp_code(CHALLENGE, code_salt=bytes(16), pepper=bytes(32), digits=digits)
    assert len(code) == digits
    assert code.isdecimal()


def test_codes_keep_their_leading_zeros() -> None:
    codes = (otp_code(CHALLENGE, code_salt=bytes([n] * 16), pepper=bytes(32), digits=6) for n in range(200))
    assert any(code.startswith("0") for code in codes)


@pytest.mark.parametrize("digits", [0, 5, 9])
def test_other_lengths_are_refused(digits: int) -> None:
    with pytest.raises(ValueError, match="6 to 8 digits"):
        otp_code(CHALLENGE, code_salt=bytes(16), pepper=bytes(32), digits=digits)


def test_salt_pepper_and_challenge_each_change_the_code() -> None:
    other = UUID("0198c5f0-0000-7000-8000-000000000002")
    codes = {
        otp_code(CHALLENGE, code_salt=bytes(16), pepper=bytes(32), digits=8),
        otp_code(CHALLENGE, code_salt=b"\x01" * 16, pepper=bytes(32), digits=8),
        otp_code(CHALLENGE, code_salt=bytes(16), pepper=b"\x01" * 32, digits=8),
        otp_code(other, code_salt=bytes(16), pepper=bytes(32), digits=8),
    }
    assert len(codes) == 4


def test_a_right_code_is_right() -> None:
    code = otp_code(CHALLENGE, code_salt=bytes(16), pepper=bytes(32), digits=6)
    assert same_code(typed_code(code), code)
    assert not same_code("0" * 6 if code != "0" * 6 else "1" * 6, code)
    assert not same_code("Ω", code)


@pytest.mark.parametrize(
    "typed", ["123456", " 123 456 ", "123-456", "12\u201334\u00a056", "\uff11\uff12\uff13456"]
)
def test_spaces_dashes_and_other_scripts_digits_are_read_as_people_mean_them(typed: str) -> None:
    assert typed_code(typed) == "123456"


@pytest.mark.parametrize("typed", ["", "12345", "123456789", "12345a", "½23456", "1234567\x00", "--------"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="6 to 8 digits"):
        typed_code(typed)
