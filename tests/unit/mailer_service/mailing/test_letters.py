from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.events import AccountDeleted, UnknownAddressChallenged
from contracts.sealing import BoxRefused, Contents, LoginCode, Recipient, Sealer, new_key
from mailer_service.mailing.letters import open_letter
from tests.support.couriers import CODE, SEALER, account_approved, otp_requested, user_registered
from tests.support.golden_mails import TEMPLATES
from tests.support.mailed_events import (
    LINK,
    MAILED,
    RECIPIENTS,
    TOKEN,
    address_change_requested,
    address_changed,
    event_of,
    magic_link_requested,
    sessions_revoked,
    user_invited,
    user_signed_in,
)


def test_a_code_letter_says_the_code_and_how_long_it_works() -> None:
    event = otp_requested(expires_in=timedelta(minutes=10))
    letter = open_letter(event, position=0, sealer=SEALER)
    assert letter.template == "otp_code"
    assert letter.recipient.address == "ada@example.org"
    assert letter.facts["code"] == CODE
    assert letter.facts["valid_for"] == timedelta(minutes=10)
    assert CODE in letter.secrets
    assert CODE not in repr(letter)


def test_each_administrator_is_a_letter_of_their_own() -> None:
    event = user_registered("one@example.org", "two@example.org", name="Grace\r\nHopper")
    addresses = [open_letter(event, position=at, sealer=SEALER).recipient.address for at in (0, 1)]
    assert addresses == ["one@example.org", "two@example.org"]
    assert open_letter(event, position=0, sealer=SEALER).facts["newcomer_name"] == "Grace Hopper"


@pytest.mark.parametrize(
    "name",
    ["Porter: keep your account at https://porter.example/k", "www.evil.example", "evil.example/k", "\u3164"],
)
def test_a_name_that_would_be_a_link_is_not_told_to_others(name: str) -> None:
    notice = open_letter(user_registered("one@example.org", name=name), position=0, sealer=SEALER)
    assert notice.facts["newcomer_name"] == ""
    assert open_letter(user_invited(name), position=0, sealer=SEALER).facts["invited_by"] == ""
    words = TEMPLATES.words(notice)
    assert words.subject == f"Porter: {notice.facts['newcomer_address']} asks to be let in"
    assert name not in words.text + words.html


def test_a_name_that_would_be_a_link_greets_nobody() -> None:
    box = Contents(recipients=(Recipient(address="ada@example.org", name="Ada https://evil.example"),))
    letter = open_letter(
        event_of(AccountDeleted, box, facts={"deleted_by": uuid4()}), position=0, sealer=SEALER
    )
    assert (letter.recipient.name, letter.facts["name"]) == ("", "")


def test_a_mail_to_an_address_that_nobody_has_proved_names_nobody() -> None:
    letter = open_letter(address_change_requested(), position=0, sealer=SEALER)
    assert RECIPIENTS[0].name
    assert (letter.recipient.name, letter.facts["name"]) == ("", "")


@pytest.mark.parametrize("position", [-1, 1, 7])
def test_a_recipient_that_the_box_does_not_name_is_refused(position: int) -> None:
    with pytest.raises(BoxRefused) as refused:
        open_letter(account_approved(), position=position, sealer=SEALER)
    assert refused.value.reason == "box_malformed"


def test_a_box_of_another_key_is_refused() -> None:
    with pytest.raises(BoxRefused) as refused:
        open_letter(otp_requested(), position=0, sealer=Sealer([new_key()]))
    assert refused.value.reason == "box_unopenable"


def test_a_link_letter_says_the_link_and_keeps_it_and_its_token_secret() -> None:
    letter = open_letter(magic_link_requested(), position=0, sealer=SEALER)
    assert letter.template == "magic_link"
    assert letter.facts["link"] == LINK
    assert letter.facts["valid_for"] == timedelta(minutes=10)
    assert letter.secrets == (LINK, TOKEN)
    assert TOKEN not in repr(letter)


def test_a_link_with_a_code_beside_it_is_a_letter_of_its_own() -> None:
    letter = open_letter(magic_link_requested(code=CODE), position=0, sealer=SEALER)
    assert letter.template == "otp_and_link"
    assert (letter.facts["code"], letter.facts["link"]) == (CODE, LINK)
    assert set(letter.secrets) == {CODE, LINK, TOKEN}
    assert CODE not in repr(letter)


def test_a_decoys_link_is_as_secret_as_one_that_works() -> None:
    box = LoginCode.model_validate({"recipients": RECIPIENTS, "code": CODE, "link": LINK})
    decoy = event_of(UnknownAddressChallenged, box, facts={"challenge_id": uuid4()})
    assert set(open_letter(decoy, position=0, sealer=SEALER).secrets) == {CODE, LINK, TOKEN}


def test_a_new_address_is_half_masked_and_kept_secret() -> None:
    letter = open_letter(address_changed("countess@example.net"), position=0, sealer=SEALER)
    assert letter.facts["new_address"] == "c•••@e•••.net"
    assert letter.secrets == ("countess@example.net",)


def test_a_sign_in_is_told_by_device_network_address_and_time() -> None:
    at = datetime(2026, 3, 1, 14, 5, 59, tzinfo=UTC)
    event = user_signed_in(at=at)
    facts = open_letter(event, position=0, sealer=SEALER).facts
    assert facts["device"] == "Firefox on Linux"
    assert facts["client_address"] == "2001:db8::7"
    assert facts["signed_in_at"] == at


def test_nobody_gets_a_letter_about_ended_sessions() -> None:
    with pytest.raises(BoxRefused) as refused:
        open_letter(sessions_revoked(), position=0, sealer=SEALER)
    assert refused.value.reason == "nobody_to_mail"


@pytest.mark.parametrize("name", MAILED)
def test_each_mail_is_asked_for_by_an_event(name: str) -> None:
    assert open_letter(MAILED[name](), position=0, sealer=SEALER).template == name
