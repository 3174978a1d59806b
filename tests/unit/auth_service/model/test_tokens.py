import hashlib

import pytest

from auth_service.model.tokens import is_token, new_token, token_hash


def test_a_token_is_256_bits_in_43_letters() -> None:
    assert new_token(lambda count: b"\xff" * count) == "_" * 42 + "8"
    assert is_token(new_token())


def test_no_two_tokens_are_the_same() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def test_what_is_stored_is_the_hash() -> None:
    assert token_hash("A" * 43) == hashlib.sha256(b"A" * 43).digest()


@pytest.mark.parametrize("written", [None, "", "A" * 42, "A" * 44, "A" * 42 + "=", "ä" * 43, "A" * 43 + "\n"])
def test_other_text_is_no_token(written: str | None) -> None:
    assert not is_token(written)
