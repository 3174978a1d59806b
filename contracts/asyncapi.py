"""The AsyncAPI 3.0 document: which events travel on which stream, who sends and who receives them."""

from datetime import timedelta
from typing import Any, Final

from contracts import jsonschema, streams
from contracts.events import EVENT_TYPES, AnyEvent
from contracts.streams import STREAMS, Stream

Part = dict[str, Any]

VERSION: Final = "1.0.0"
"""Counts this document's form; the events count their own versions."""

ABOUT: Final = f"""\
Events that auth_service publishes on Redis Streams. Delivery is at least once and in no promised order:
dedupe by `id`; `time` and `sequence` tell which is newer.

**An entry is a CloudEvents 1.0 event as a flat map of text.** Each context attribute is a field of the
entry under its own name, and `data` is one more field that holds JSON. `XRANGE` shows it readably, and no
library is needed to read it. Attributes that an event does not have are absent. Ignore fields you do not
know, in the entry and in `data`: a published event gains optional fields only, anything else is a new
version.

**`data.sealed` is one box** with all that tells who the mail goes to, and any code or link. It is a Fernet
token; inside is `{{"event_id": …, "contents": …}}`, where `event_id` equals the entry's `id` (refuse it
otherwise: the box was copied) and `contents` has the schema that the message names in `x-sealed-contents`. A
consumer that mails nobody needs no key. Where `data.recipients` is 0, nobody is mailed.

**Late mail is not sent**: it is given up at `expirytime`, or where that is absent
{streams.ACCOUNT_MAIL_LIFE // timedelta(hours=1)} hours after `time`.
"""

SCHEMAS: Final = "#/components/schemas/"


def document() -> Part:
    """Describe all events, streams and both services in one AsyncAPI 3.0 document."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:porter:events",
        "info": {
            "title": "Porter's events",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {stream.name: _channel(stream) for stream in STREAMS},
        "operations": {name: part for stream in STREAMS for name, part in _operations(stream).items()},
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENT_TYPES},
            "schemas": {jsonschema.short_name(event): _data(event) for event in EVENT_TYPES}
            | jsonschema.of_contents(EVENT_TYPES, ref_template=SCHEMAS + "{model}"),
        },
    }


def _channel(stream: Stream) -> Part:
    return {
        # AsyncAPI reads braces in an address as a parameter, so the key with its braces is that parameter.
        "address": "{key}",
        "parameters": {
            "key": {
                "description": "The stream's key; the braces are a Redis Cluster hash tag and belong to it.",
                "enum": [stream.key],
                "default": stream.key,
            }
        },
        "title": stream.key,
        "description": f"A Redis stream whose entries are kept for {str(stream.kept).split(',')[0]}.",
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}
            for event in _events_on(stream)
        },
    }


def _operations(stream: Stream) -> Part:
    channel = f"#/channels/{stream.name}"
    those = {
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"} for event in _events_on(stream)],
    }
    return {
        f"auth_service.publishes.{stream.name}": {
            "action": "send",
            "summary": "auth_service publishes each committed fact (XADD).",
            **those,
        },
        f"mailer_service.mails.{stream.name}": {
            "action": "receive",
            "summary": "mailer_service mails each fact's recipients (consumer group `mailer`).",
            **those,
        },
    }


def _message(event: type[AnyEvent]) -> Part:
    return {
        "name": event.type_name(),
        "title": event.__name__,
        "summary": event.__doc__,
        "contentType": "application/json",
        "payload": jsonschema.of_entry(event, data_at=SCHEMAS + jsonschema.short_name(event)),
        "x-sealed-contents": {"$ref": SCHEMAS + event.contents.__name__},
    }


def _data(event: type[AnyEvent]) -> Part:
    # Without `$id`, which would move the base of the references around it.
    return {key: value for key, value in jsonschema.of_data(event).items() if key not in {"$schema", "$id"}}


def _events_on(stream: Stream) -> list[type[AnyEvent]]:
    return [event for event in EVENT_TYPES if event.stream == stream]
