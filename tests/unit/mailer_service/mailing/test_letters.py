from datetime import UTC, datetime, timedelta

import pytest

from contracts.events import EVENT_TYPES, AnyEvent
from contracts.sealing import BoxRefused, Sealer, new_key
from mailer_service.mailing.letters import clock, in_words, open_letter, template_of, template_of_type
from tests.support.couriers import (
    CODE,
    SEALER,
    account_approved,
    otp_requested,
    unknown_address_challenged,
    user_registered,
)


def test_a_code_letter_says_the_code_and_how_long_it_works() -> None:
    event = otp_requested(expires_in=timedelta(minutes=10))
    letter = open_letter(event, position=0, sealer=SEALER)
    assert letter.template == "otp_code"
    assert letter.recipient.address == "ada@example.org"
    assert letter.facts["code"] == CODE
    assert letter.facts["valid_for"] == "10 minutes"
    assert CODE in letter.secrets
    assert CODE not in repr(letter)


def test_each_administrator_is_a_letter_of_their_own() -> None:
    event = user_registered("one@example.org", "two@example.org", name="Grace\r\nHopper")
    addresses = [open_letter(event, position=at, sealer=SEALER).recipient.address for at in (0, 1)]
    assert addresses == ["one@example.org", "two@example.org"]
    assert open_letter(event, position=0, sealer=SEALER).facts["newcomer_name"] == "Grace Hopper"


@pytest.mark.parametrize("position", [-1, 1, 7])
def test_a_recipient_that_the_box_does_not_name_is_refused(position: int) -> None:
    with pytest.raises(BoxRefused) as refused:
        open_letter(account_approved(), position=position, sealer=SEALER)
    assert refused.value.reason == "box_malformed"


def test_a_box_of_another_key_is_refused() -> None:
    with pytest.raises(BoxRefused) as refused:
        open_letter(otp_requested(), position=0, sealer=Sealer([new_key()]))
    assert refused.value.reason == "box_unopenable"


def test_each_event_has_a_mail() -> None:
    events: list[AnyEvent] = [
        otp_requested(),
        unknown_address_challenged(),
        user_registered("a@example.org"),
        account_approved(),
    ]
    assert {type(event) for event in events} == set(EVENT_TYPES)
    for event in events:
        assert template_of_type(event.type) == template_of(event) != ""
    assert template_of_type("porter.auth.unheard_of.v1") == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "10 minutes"), (60, "1 minute"), (3600, "1 hour"), (7200, "2 hours"), (90, "90 seconds"),
     (5400, "90 minutes"), (1, "1 second"), (0, "0 seconds"), (-5, "0 seconds"), (599.6, "10 minutes")],
)  # fmt: skip
def test_a_duration_is_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words


def test_a_moment_is_said_in_utc() -> None:
    assert clock(datetime(2026, 3, 1, 14, 5, 59, tzinfo=UTC)) == "14:05 UTC"
