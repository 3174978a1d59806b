"""FastStream's parser and decoder for flat CloudEvents entries: the entry's fields are the message."""

from typing import Any, cast

from faststream.redis import RedisBroker
from faststream.redis.message import RedisMessage

from contracts import codec
from contracts.codec import Undecodable
from contracts.events import AnyEvent
from mailer_service.consuming.entries import FIELDS_MAX, InHand
from mailer_service.consuming.reading import HandedMessage


async def parse(raw: HandedMessage) -> RedisMessage:
    """Wrap the raw entry; nothing in it can fail here."""
    entry = raw["in_hand"].entry
    event_id = entry.text(b"id")
    return RedisMessage(
        raw_message=cast("Any", raw),
        body=raw["data"].get(b"data", b""),
        headers={},
        content_type="application/json",
        message_id=f"{entry.key} {entry.id}",
        correlation_id=event_id,
    )


class Misplaced(ValueError):
    """An event on a stream that is not its own, where no handler takes it."""

    reason = "misplaced"


async def decode(message: RedisMessage) -> AnyEvent:
    """Decode the event. What it raises has a `reason` and reaches the settling middleware."""
    raw = cast("HandedMessage", message.raw_message)
    if len(raw["data"]) > FIELDS_MAX:
        raise Undecodable(f"the entry has more than {FIELDS_MAX} fields")
    event = codec.decode(raw["data"])
    if not raw["channel"].startswith(event.stream.key):  # every key of a lane begins with its stream's
        raise Misplaced(f"{event.type} belongs on {event.stream.key}")
    return event


def in_hand(broker: RedisBroker) -> InHand:
    """Find the entry in hand that the running handler was called for."""
    message: RedisMessage = broker.context.get_local("message")
    return cast("HandedMessage", message.raw_message)["in_hand"]
