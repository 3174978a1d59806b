"""The AsyncAPI 3.0 document holds together: each reference leads somewhere, each event travels once."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from contracts import asyncapi, jsonschema
from contracts.codec import REQUIRED, encode
from contracts.events import EVENT_TYPES, AnyEvent
from contracts.streams import STREAMS, Stream
from tests.unit.contracts.made_events import an_otp_request

DOCUMENT = asyncapi.document()


def follow(reference: str) -> Any:  # noqa: ANN401 - any part of a document
    """Find what a `$ref` points to (RFC 6901)."""
    assert reference.startswith("#/")
    found: Any = DOCUMENT
    for step in reference[2:].split("/"):
        found = found[step]
    return found


def references(part: object) -> Iterator[str]:
    match part:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for inner in part.values():
                yield from references(inner)
        case list():
            for inner in part:
                yield from references(inner)


def message(event: type[AnyEvent]) -> dict[str, Any]:
    return dict(DOCUMENT["components"]["messages"][event.__name__])


def test_it_has_the_parts_that_the_specification_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    assert re.fullmatch(r"urn:[a-z:]+", DOCUMENT["id"])
    assert DOCUMENT.keys() <= {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"
    }  # fmt: skip


def test_every_reference_leads_somewhere_in_the_document() -> None:
    found = list(references(DOCUMENT))

    assert found
    for reference in found:
        assert isinstance(follow(reference), dict)


def test_names_of_components_are_of_the_allowed_characters() -> None:
    for part in DOCUMENT["components"].values():
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in part)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_channel_is_a_stream_under_its_key(stream: Stream) -> None:
    channel = DOCUMENT["channels"][stream.name]
    parameter = channel["parameters"]["key"]

    assert channel["address"].replace("{key}", parameter["default"]) == stream.key
    assert parameter["enum"] == [stream.key]
    assert str(stream.kept.days) in channel["description"]


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_an_event_travels_on_the_channel_of_its_stream_and_on_no_other(event: type[AnyEvent]) -> None:
    channels = [
        name for name, channel in DOCUMENT["channels"].items() if event.__name__ in channel["messages"]
    ]

    assert channels == [event.stream.name]


@pytest.mark.parametrize("stream", STREAMS)
def test_the_auth_service_sends_and_the_mailer_receives_all_events_of_a_stream(stream: Stream) -> None:
    sends = DOCUMENT["operations"][f"auth_service.publishes.{stream.name}"]
    receives = DOCUMENT["operations"][f"mailer_service.mails.{stream.name}"]
    channel = DOCUMENT["channels"][stream.name]

    assert (sends["action"], receives["action"]) == ("send", "receive")
    for operation in (sends, receives):
        assert follow(operation["channel"]["$ref"]) is channel
        assert [reference["$ref"].rpartition("/")[2] for reference in operation["messages"]] == list(
            channel["messages"]
        )


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_a_message_describes_the_flat_fields_of_an_entry(event: type[AnyEvent]) -> None:
    payload = message(event)["payload"]

    assert payload["required"] == list(REQUIRED)
    assert payload["properties"].keys() == event.model_fields.keys()
    assert {field["type"] for field in payload["properties"].values()} == {"string"}
    assert payload["properties"]["type"]["const"] == event.type_name()
    assert payload["properties"]["dataschema"]["const"] == event.schema_name()


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_a_message_describes_its_data_and_what_its_box_holds(event: type[AnyEvent]) -> None:
    data = message(event)["payload"]["properties"]["data"]
    described = follow(data["contentSchema"]["$ref"])
    schema = jsonschema.of_data(event)

    assert data["contentMediaType"] == "application/json"
    assert described == {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}
    box = follow(message(event)["x-sealed-contents"]["$ref"])
    assert box["title"] == event.contents.__name__
    assert box["properties"].keys() == event.contents.model_fields.keys()


def test_what_the_codec_writes_is_what_the_document_says() -> None:
    event = an_otp_request()
    fields = message(type(event))["payload"]["properties"]

    for name, value in encode(event).items():
        assert fields[name].get("const", value) == value
        assert re.search(fields[name].get("pattern", ""), value)


def test_the_document_tells_no_key_and_no_address() -> None:
    assert not re.search(r"[\w.]+@[\w.]+|gAAAA|rediss?://", str(DOCUMENT))
