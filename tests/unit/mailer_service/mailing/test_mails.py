"""Which mail tells of which event, by what the event says in clear."""

import pytest

from contracts.events import EVENT_TYPES, SessionsRevoked, UnknownAddressChallenged
from mailer_service.mailing.mails import mail_of, mail_of_type
from tests.support.couriers import CODE, otp_requested, unknown_address_challenged
from tests.support.mailed_events import (
    MAILED,
    address_change_requested,
    magic_link_requested,
    sessions_revoked,
)


def test_every_event_is_mailed_but_ended_sessions_and_decoys() -> None:
    mailed = {type(event()) for event in MAILED.values()}

    assert set(EVENT_TYPES) - mailed == {SessionsRevoked, UnknownAddressChallenged}


@pytest.mark.parametrize("name", [name for name in MAILED if name != "otp_and_link"])
def test_an_event_has_the_mail_of_its_name(name: str) -> None:
    assert mail_of(MAILED[name]()) == name


def test_a_link_goes_by_its_own_name_whether_or_not_a_code_is_beside_it() -> None:
    assert mail_of(magic_link_requested(code=CODE)) == mail_of(magic_link_requested()) == "magic_link"


def test_a_decoy_goes_by_the_name_of_what_it_stands_for() -> None:
    assert mail_of(unknown_address_challenged()) == mail_of(otp_requested())


def test_the_type_alone_tells_all_but_what_a_code_is_for() -> None:
    for event in (make() for make in MAILED.values()):
        alone = mail_of_type(event.type)
        assert alone == ("otp_code" if event.type == otp_requested().type else mail_of(event))
    assert mail_of_type(address_change_requested().type) == "otp_code"


def test_what_is_not_mailed_has_no_name() -> None:
    assert mail_of(sessions_revoked()) == mail_of_type(sessions_revoked().type) == ""
    assert mail_of_type("porter.auth.unheard_of.v1") == ""
