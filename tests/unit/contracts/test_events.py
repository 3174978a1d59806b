"""What every event promises by its class: a versioned name, its stream, and when its mail is worthless."""

import re
from datetime import timedelta

import pytest

from contracts.events import EVENT_TYPES, AnyEvent
from contracts.registry import UnknownType, UnknownVersion, event_class
from contracts.streams import ACCOUNT_MAIL_LIFE, STREAMS, Stream
from tests.unit.contracts.made_events import WHEN, an_otp_request


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_an_event_is_found_by_its_type(event: type[AnyEvent]) -> None:
    assert event_class(event.type_name()) is event


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_type_and_schema_say_the_same_name_and_version(event: type[AnyEvent]) -> None:
    named = re.fullmatch(r"porter\.auth\.([a-z_]+)\.v([0-9]+)", event.type_name())

    assert named is not None
    assert event.schema_name() == f"urn:porter:schema:auth:{named[1]}:v{named[2]}"


def test_no_two_events_share_a_name() -> None:
    assert len({event.type_name() for event in EVENT_TYPES}) == len(EVENT_TYPES)


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_a_version_from_the_future_is_unknown(event: type[AnyEvent]) -> None:
    name, _, _ = event.type_name().rpartition(".")

    with pytest.raises(UnknownVersion, match=name):
        event_class(f"{name}.v99")


@pytest.mark.parametrize("type_name", ["", "v1", "otp_requested.v1", "porter.auth.otp_request.v1", "."])
def test_a_name_of_no_event_is_unknown(type_name: str) -> None:
    with pytest.raises(UnknownType, match=r"^no event has this type$"):
        event_class(type_name)


def test_mail_is_given_up_when_the_event_says_so() -> None:
    assert an_otp_request().gives_up_at() == WHEN + timedelta(minutes=10)


def test_mail_without_an_expiry_is_given_up_a_day_after_its_fact() -> None:
    endless = an_otp_request().model_copy(update={"expirytime": None})

    assert endless.gives_up_at() == WHEN + timedelta(hours=24)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_keeps_its_entries_as_long_as_their_mail_is_worth_sending(stream: Stream) -> None:
    assert stream.kept >= ACCOUNT_MAIL_LIFE


def test_every_stream_has_its_own_cluster_slot_and_an_event() -> None:
    assert len({stream.key for stream in STREAMS}) == len(STREAMS)
    assert all(re.fullmatch(r"\{auth\.[a-z]+\}", stream.key) for stream in STREAMS)
    assert {event.stream for event in EVENT_TYPES} == set(STREAMS)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_sign_that_mail_is_held_back_is_in_its_streams_cluster_slot(stream: Stream) -> None:
    assert stream.held_key.startswith(f"{stream.key}:")
    assert stream.held_key != stream.key
