import base64
import hashlib

import pytest

from auth_service.model.peppers import Peppers, new_pepper, parse_pepper, pepper_id

OLD, NEW = b"\x01" * 32, b"\x02" * 32


def test_a_pepper_is_named_by_the_start_of_its_hash() -> None:
    assert pepper_id(OLD) == hashlib.sha256(OLD).hexdigest()[:8]


def test_the_newest_makes_codes_and_the_older_are_still_found() -> None:
    peppers = Peppers([NEW, OLD])
    assert (peppers.newest, peppers.newest_id) == (NEW, pepper_id(NEW))
    assert peppers.get(pepper_id(OLD)) == OLD


def test_a_retired_pepper_is_gone() -> None:
    assert Peppers([NEW]).get(pepper_id(OLD)) is None


def test_there_must_be_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Peppers([])


def test_a_new_pepper_is_read_back() -> None:
    assert len(parse_pepper(new_pepper())) == 32
    assert new_pepper() != new_pepper()


def test_a_pepper_may_hold_the_url_safe_letters() -> None:
    assert parse_pepper(base64.urlsafe_b64encode(b"\xff" * 32).decode()) == b"\xff" * 32


@pytest.mark.parametrize(
    "written", ["", "short", "n\u00f6", "!" * 44, base64.urlsafe_b64encode(bytes(31)).decode()]
)
def test_what_is_no_pepper_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|not url-safe") as refused:
        parse_pepper(written)
    assert not written or written not in str(refused.value)
