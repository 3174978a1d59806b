"""A box opens with its key, for its event, and unaltered; everything else is refused with a reason."""

import base64
import json
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import unseal
from contracts.events import AnyEvent
from contracts.sealing import BoxRefused, Contents, LoginCode, Newcomer, Sealer, new_key
from tests.unit.contracts.made_events import EVENT_ID, a_login_code, an_otp_request, contents

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
SEALER = Sealer([KEY])


def refusal(box: str, *, sealer: Sealer = SEALER, wanted: type[Contents] = LoginCode) -> BoxRefused:
    with pytest.raises(BoxRefused) as refused:
        sealer.open(box, wanted, event_id=EVENT_ID)
    return refused.value


def box_of(plain: bytes) -> str:
    """Seal bytes that no sealer would."""
    return Fernet(KEY).encrypt(plain).decode()


@given(st.one_of(list(contents.values())), st.uuids())
def test_what_was_sealed_is_what_is_opened(sealed: Contents, event_id: object) -> None:
    event = an_otp_request().model_copy(update={"id": event_id})
    box = SEALER.seal(sealed, event_id=event.id)

    assert SEALER.open(box, type(sealed), event_id=event.id) == sealed


def test_an_event_opens_its_own_box() -> None:
    event: AnyEvent = an_otp_request(sealed=SEALER.seal(a_login_code("918273"), event_id=EVENT_ID))

    opened = unseal(event, LoginCode, sealer=SEALER)

    assert opened.code.get_secret_value() == "918273"
    assert opened.recipients[0].name == "Zofia Łukasińska"


def test_nothing_of_the_contents_shows_through_the_box() -> None:
    box = SEALER.seal(a_login_code("918273"), event_id=EVENT_ID)

    assert "918273" not in box
    assert "zofia" not in box


def test_the_same_contents_never_make_the_same_box() -> None:
    assert SEALER.seal(a_login_code(), event_id=EVENT_ID) != SEALER.seal(a_login_code(), event_id=EVENT_ID)


def test_an_opened_code_does_not_show_in_a_log_line() -> None:
    assert "042137" not in repr(a_login_code())


def test_a_box_copied_into_another_event_is_refused() -> None:
    assert refusal(SEALER.seal(a_login_code(), event_id=uuid4())).reason == "box_copied"


@given(position=st.integers(0), flipped=st.integers(1, 255))
def test_an_altered_box_is_refused(position: int, flipped: int) -> None:
    box = bytearray(base64.urlsafe_b64decode(SEALER.seal(a_login_code(), event_id=EVENT_ID)))
    box[position % len(box)] ^= flipped

    assert refusal(base64.urlsafe_b64encode(box).decode()).reason == "box_unopenable"


@given(st.integers(0))
def test_a_box_cut_short_is_refused(length: int) -> None:
    box = SEALER.seal(a_login_code(), event_id=EVENT_ID)

    assert refusal(box[: length % len(box)]).reason == "box_unopenable"


@given(st.text())
def test_text_that_is_no_box_is_refused(text: str) -> None:
    assert refusal(text).reason == "box_unopenable"


def test_a_box_of_another_key_is_refused() -> None:
    assert refusal(Sealer([new_key()]).seal(a_login_code(), event_id=EVENT_ID)).reason == "box_unopenable"


def test_rotated_keys_open_old_boxes_and_seal_with_the_newest() -> None:
    old, new = new_key(), new_key()
    before = Sealer([old]).seal(a_login_code(), event_id=EVENT_ID)
    rotated = Sealer([new, old])
    after = rotated.seal(a_login_code(), event_id=EVENT_ID)

    assert rotated.open(before, LoginCode, event_id=EVENT_ID) == a_login_code()
    assert Sealer([new]).open(after, LoginCode, event_id=EVENT_ID) == a_login_code()
    assert refusal(after, sealer=Sealer([old])).reason == "box_unopenable"


def test_a_retired_key_no_longer_opens() -> None:
    old, new = new_key(), new_key()
    before = Sealer([old]).seal(a_login_code(), event_id=EVENT_ID)

    assert refusal(before, sealer=Sealer([new])).reason == "box_unopenable"


def test_a_box_without_what_is_wanted_names_what_it_lacks_and_no_value() -> None:
    refused = refusal(SEALER.seal(a_login_code("918273"), event_id=EVENT_ID), wanted=Newcomer)

    assert refused.reason == "box_malformed"
    assert str(refused) == "the box lacks or misstates: address, name"


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\xff",
        b"918273",
        b"[]",
        b"{}",
        json.dumps({"event_id": str(EVENT_ID)}).encode(),
        json.dumps({"event_id": str(EVENT_ID), "contents": "918273"}).encode(),
        json.dumps({"event_id": "918273", "contents": {}}).encode(),
        json.dumps({"event_id": str(EVENT_ID), "contents": {"recipients": [{"name": "918273"}]}}).encode(),
    ],
)
def test_a_box_that_holds_something_else_is_refused(plain: bytes) -> None:
    refused = refusal(box_of(plain))

    assert refused.reason == "box_malformed"
    assert "918273" not in str(refused)


def test_fields_of_later_versions_in_a_box_are_ignored() -> None:
    plain = {"event_id": str(EVENT_ID), "later": 1, "contents": {"recipients": [], "code": "7", "later": 2}}

    assert SEALER.open(box_of(json.dumps(plain).encode()), LoginCode, event_id=EVENT_ID).recipients == ()


def test_a_sealer_needs_a_key() -> None:
    with pytest.raises(ValueError, match="at least one sealing key is needed"):
        Sealer([])


@pytest.mark.parametrize("key", ["", "short", "é", KEY[:-2], KEY + KEY, f"{KEY} {KEY}", "=" * 44])
def test_a_wrong_key_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(ValueError, match=r"^a sealing key is not 32 bytes in url-safe base64$"):
        Sealer([KEY, key])


def test_new_keys_are_usable_and_differ() -> None:
    assert new_key() != new_key()
    assert Sealer([new_key()]).seal(a_login_code(), event_id=EVENT_ID)
