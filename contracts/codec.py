"""Between an event and a stream entry: a flat map, readable in `redis-cli` and from any language.

CloudEvents attributes are the entry's fields, `data` is JSON in one of them. Fields that are no attribute
of the event (another producer's extensions, a consumer's own notes) are ignored on reading.
"""

import json
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import from_json

from contracts.events import AnyEvent
from contracts.registry import event_class

REQUIRED: Final = ("specversion", "id", "type", "source", "time", "sequence", "data")
"""What every entry has; the rest of the attributes may be absent."""


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
    for name in REQUIRED:
        if name not in fields:
            raise Undecodable(f"the field {name!r} is missing")
    event = event_class(fields["type"])
    try:
        # Stricter than the standard library's: no lone surrogates, no NaN, bounded depth and numbers.
        data = from_json(fields["data"], allow_inf_nan=False)
    except ValueError:
        raise Undecodable("the field 'data' is not JSON") from None
    try:
        return event.model_validate(fields | {"data": data})
    except ValidationError as invalid:
        # The kind of each fault, not its message: some messages quote what they complain about.
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in invalid.errors())
        raise Undecodable("; ".join(faults)) from None
