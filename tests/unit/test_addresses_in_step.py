"""What the door takes for an address, the mailer carries as it stands."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auth_service.model.addresses import AddressRefused, canonical_address
from mailer_service.mailing.mailbox import AddressUnusable, Mailbox
from tests.support.nasty_words import LOCAL_PARTS, MISPLACED_DOTS, nasty_words

LOCALS = (
    st.sampled_from(LOCAL_PARTS + MISPLACED_DOTS)
    | nasty_words()
    | st.from_regex(r"[!-?A-~]{1,70}", fullmatch=True)
)
DOMAINS = st.sampled_from(
    ("example.org", "bücher.example", "my-host.internal", "xn--a.test", "a--b.test", "a_b.test")
)


@given(st.emails() | st.builds("{}@{}".format, LOCALS, DOMAINS))
@example("=?utf-8?q?eve=40example.net=3E?=@example.org")
@example(f"{'a' * 65}@example.org")
def test_an_address_that_the_door_takes_is_one_that_the_mailer_carries(written: str) -> None:
    try:
        address = canonical_address(written)
    except AddressRefused:
        return
    mailbox = Mailbox.of(address)
    assert mailbox.address == address
    assert not mailbox.needs_smtputf8


@pytest.mark.parametrize("local", MISPLACED_DOTS)
def test_neither_takes_a_dot_where_none_may_be(local: str) -> None:
    with pytest.raises(AddressRefused):
        canonical_address(f"{local}@example.org")
    with pytest.raises(AddressUnusable):
        Mailbox.of(f"{local}@example.org")


@given(st.builds("{}@{}".format, LOCALS, DOMAINS))
def test_what_the_mailer_puts_into_a_command_has_no_end_of_it(written: str) -> None:
    try:
        address = Mailbox.of(written).address
    except AddressUnusable:
        return
    assert re.search(r"[\s<>\x00-\x20\x7f]", address) is None
