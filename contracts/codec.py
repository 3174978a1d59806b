"""Between an event and a stream entry: a flat map, readable in `redis-cli` and from any language.

CloudEvents attributes are the entry's fields, `data` is JSON in one of them. Fields that are no attribute
of the event (another producer's extensions, a consumer's own notes) are ignored on reading.
"""

import json
from collections.abc import Mapping

from pydantic import ValidationError

from contracts.events import AnyEvent
from contracts.registry import event_class


class Undecodable(ValueError):
    """An entry that is no event: a field is missing, wrong, or not UTF-8."""

    reason = "undecodable"


def encode(event: AnyEvent) -> dict[str, str]:
    """Write an event as the fields of a stream entry; absent attributes are left out."""
    attributes = event.model_dump(mode="json", exclude_none=True)
    data = attributes.pop("data")
    return attributes | {"data": json.dumps(data, ensure_ascii=False, separators=(",", ":"))}


def decode(entry: Mapping[bytes, bytes]) -> AnyEvent:
    """Read an entry's fields. Raises `Undecodable`, `UnknownType` or `UnknownVersion`.

    No message of these repeats a value: entries carry sealed boxes, and errors travel to logs.
    """
    try:
        fields = {name.decode(): value.decode() for name, value in entry.items()}
    except UnicodeDecodeError:
        raise Undecodable("a field is not UTF-8") from None
    if "type" not in fields:
        raise Undecodable("the field 'type' is missing")
    event = event_class(fields["type"])
    try:
        data = json.loads(fields.pop("data", "null"))
        return event.model_validate(fields | {"data": data})
    except json.JSONDecodeError:
        raise Undecodable("the field 'data' is not JSON") from None
    except ValidationError as invalid:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in invalid.errors())
        raise Undecodable("; ".join(faults)) from None
