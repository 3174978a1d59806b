import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model.addresses import AddressRefused, canonical_address


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada@Example.ORG ", "ada@example.org"),
        ("ada+porter@example.org", "ada+porter@example.org"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("ada@B\u00dcCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@printer.local", "ada@printer.local"),
        ("ada@shop.test", "ada@shop.test"),
    ],
)
def test_an_address_has_one_form(written: str, canonical: str) -> None:
    assert canonical_address(written) == canonical
    assert canonical_address(canonical) == canonical


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "needs an @"),
        ("ada", "needs an @"),
        ("@example.org", "needs an @"),
        ("ada@", "needs an @"),
        ("ada@localhost", "needs a domain with a dot"),
        ("ad\u00e4@example.org", "only ASCII letters before the @"),
        ("ada@example..org", "is not a mail address"),
        ("ada lovelace@example.org", "is not a mail address"),
        ("ada\r\nBcc: x@example.org", "is not a mail address"),
        ("ada\x00@example.org", "is not a mail address"),
        ("ada@exam\ud800ple.org", "is not a mail address"),
        ("Ada <ada@example.org>", "is not a mail address"),
        ("ada@[127.0.0.1]", "is not a mail address"),
        ("ada@127.0.0.1", "needs a domain name"),
        ("a" * 250 + "@example.org", "longer than 254"),
    ],
)
def test_what_is_no_address_is_told_what_it_lacks(written: str, sentence: str) -> None:
    with pytest.raises(AddressRefused, match=sentence):
        canonical_address(written)


@given(st.text(max_size=60))
def test_any_text_gives_a_settled_address_or_a_refusal(written: str) -> None:
    try:
        address = canonical_address(written)
    except AddressRefused:
        return
    assert canonical_address(address) == address
    assert address.isascii()
    assert address == address.lower()
