import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model.addresses import AddressRefused, canonical_address, masked_address


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
        ("a" * 65 + "@example.org", "longer than 64 characters before the @"),
        ("=?utf-8?q?eve=40example.net=3E?=@example.org", "may not have =\\? before the @"),
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


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ada@example.org", "a•••@e•••.org"),
        ("a@e.org", "a•••@e•••.org"),
        ("ada.lovelace@mail.analytical.engine.example", "a•••@m•••.example"),
        ("grace@xn--bcher-kva.example", "g•••@x•••.example"),
    ],
)
def test_a_masked_address_is_known_to_its_owner_alone(address: str, shown: str) -> None:
    assert masked_address(address) == shown


_LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@given(
    local=st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,40}", fullmatch=True),
    domain=st.lists(_LABELS, min_size=1, max_size=4),
    last=st.from_regex(r"[a-z]{2,12}", fullmatch=True),
)
def test_a_masked_address_shows_two_letters_and_the_last_label(
    local: str, domain: list[str], last: str
) -> None:
    shown = masked_address(f"{local}@{'.'.join(domain)}.{last}")
    assert shown == f"{local[0]}•••@{domain[0][0]}•••.{last}"
    others = masked_address(f"{local[0]}another@{domain[0][0]}lsewhere.{last}")
    assert shown == others
