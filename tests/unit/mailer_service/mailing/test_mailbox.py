import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.mailing.mailbox import AddressUnusable, Mailbox, plain_name


@pytest.mark.parametrize(
    ("address", "carried"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
        ("ada@my_host.internal", "ada@my_host.internal"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_a_domain_is_carried_in_ascii(address: str, carried: str) -> None:
    assert Mailbox.of(address).address == carried


@pytest.mark.parametrize(
    "address",
    ["", "ada", "@example.org", "ada@", "a b@example.org", "ädä@example.org", "ada@exa mple.org", "ada@a..b",
     "ada>\r\nRCPT TO:<eve@example.org", "ada@example.org>\r\nDATA", '"a b"@example.org', "ada@[127.0.0.1]"],
)  # fmt: skip
def test_what_smtp_cannot_carry_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(AddressUnusable) as refused:
        Mailbox.of(address)
    assert not address or address not in str(refused.value)


def test_a_sender_is_written_with_or_without_a_name() -> None:
    assert Mailbox.parse("Porter <porter@example.org>") == Mailbox("Porter", "porter", "example.org")
    assert Mailbox.parse("porter@example.org") == Mailbox("", "porter", "example.org")
    with pytest.raises(AddressUnusable):
        Mailbox.parse("Porter")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\t Lovelace\r\n", "Ada Lovelace"),
        ("Ada\r\nBcc: eve@example.org", "Ada Bcc: eve@example.org"),
        ("A\x00d\x1ba", "Ada"),
        ("\u202egpj.exe", "gpj.exe"),
        ("Ada\u2028Lovelace", "Ada Lovelace"),
        ("\u0646\u0627\u0645\u200c\u0647\u0627", "\u0646\u0627\u0645\u200c\u0647\u0627"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_made_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(st.text())
def test_no_name_breaks_a_line_or_hides_anything(name: str) -> None:
    plain = plain_name(name)
    assert len(plain) <= 120
    assert plain == plain.strip()
    assert len(plain.splitlines()) <= 1
    controls = {c for c in plain if unicodedata.category(c).startswith("C")}
    assert controls <= {"\u200c", "\u200d"}
    assert plain_name(plain) == plain
