from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.masking import MASK, half_masked, masked


def test_the_recipient_goes_in_every_spelling() -> None:
    reply = "550 5.1.1 <Ada.L@Example.org>: user ada.l unknown (ADA.L@example.org)"
    assert masked(reply, secrets=["ada.l@example.org"]) == (
        f"550 5.1.1 <{MASK}>: user {MASK} unknown ({MASK})"
    )


def test_other_addresses_and_codes_go_too() -> None:
    reply = "554 subject '481502 is your code' from porter@porter.test not wanted"
    assert masked(reply, secrets=["ada@example.org", "481502"]) == (
        f"554 subject '{MASK} is your code' from {MASK} not wanted"
    )


def test_a_local_part_that_is_part_of_a_word_stays_readable() -> None:
    assert masked("mailbox unavailable", secrets=["mail@example.org"]) == "mailbox unavailable"


def test_a_link_goes_whole_and_by_its_token() -> None:
    link = "https://login.example.org/login/link#q0mFZq1jHqcG5zY0"
    reply = f"554 blocked: {link} (fragment q0mfzq1jhqcg5zy0)"
    assert masked(reply, secrets=[link, "q0mFZq1jHqcG5zY0"]) == f"554 blocked: {MASK} (fragment {MASK})"


def test_half_an_address_is_known_to_its_owner_alone() -> None:
    assert half_masked("countess@example.net") == "c•••@e•••.net"
    assert half_masked("c@example.net") == "c•••@e•••.net"


@given(st.text(), st.emails())
def test_what_comes_back_is_one_short_printable_line_without_the_address(text: str, address: str) -> None:
    clean = masked(f"{text} <{address}> {text}", secrets=[address])
    assert len(clean) <= 500
    assert clean.isascii()
    assert clean.isprintable()
    assert address.lower() not in clean.lower()
