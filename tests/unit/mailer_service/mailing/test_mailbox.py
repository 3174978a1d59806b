import pytest

from mailer_service.mailing.mailbox import AddressUnusable, Mailbox


@pytest.mark.parametrize(
    ("address", "carried"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
        ("ada@my_host.internal", "ada@my_host.internal"),
        ("ada@localhost", "ada@localhost"),
        ("ädä@bücher.example", "ädä@xn--bcher-kva.example"),
        ("a\u0308@example.org", "ä@example.org"),
        ("用户@example.org", "用户@example.org"),
    ],
)
def test_a_domain_is_carried_in_ascii(address: str, carried: str) -> None:
    assert Mailbox.of(address).address == carried


@pytest.mark.parametrize(
    "address",
    ["", "ada", "@example.org", "ada@", "a b@example.org", "ada@exa mple.org", "ada@a..b",
     "ada>\r\nRCPT TO:<eve@example.org", "ada@example.org>\r\nDATA", '"a b"@example.org', "ada@[127.0.0.1]",
     "a\u3000b@example.org", "a\u202eb@example.org", "\ud800@example.org", "ä" * 33 + "@example.org",
     "=?utf-8?q?eve=40example.net=3E?=@example.org",
     "a..b@example.org", ".a@example.org", "a.@example.org", ".@example.org"],
)  # fmt: skip
def test_what_smtp_cannot_carry_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(AddressUnusable) as refused:
        Mailbox.of(address)
    assert not address or address not in str(refused.value)


def test_a_sender_is_written_with_or_without_a_name() -> None:
    assert Mailbox.parse("Porter <porter@example.org>") == Mailbox("Porter", "porter", "example.org")
    assert Mailbox.parse("porter@example.org") == Mailbox("", "porter", "example.org")
    for unusable in ("Porter", "Portier <pförtner@example.org>"):
        with pytest.raises(AddressUnusable):
            Mailbox.parse(unusable)


def test_only_what_is_before_the_at_needs_smtputf8() -> None:
    assert Mailbox.of("ädä@example.org").needs_smtputf8
    assert not Mailbox.of("ada@bücher.example", name="Ädä").needs_smtputf8
