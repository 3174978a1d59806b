"""JSON Schema (2020-12) of what events carry: their `data`, their entry in a stream, their opened box."""

from collections.abc import Iterable
from typing import Any, Final, cast

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from contracts.codec import REQUIRED
from contracts.events import AnyEvent
from contracts.facts import EventData

TYPE_PREFIX: Final = "porter.auth."

Schema = dict[str, Any]


class PlainSchema(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never title a field."""
        del schema
        return False


def short_name(event: type[AnyEvent]) -> str:
    """Name an event as its files are named: `otp_requested.v1`."""
    return event.type_name().removeprefix(TYPE_PREFIX)


def of_data(event: type[AnyEvent]) -> Schema:
    """Describe an event's `data`; the `$id` is what its entries say in `dataschema`."""
    data = cast("type[EventData]", event.model_fields["data"].annotation)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": event.schema_name(),
        **data.model_json_schema(schema_generator=PlainSchema),
        "title": event.__name__,
    }


def of_entry(event: type[AnyEvent], *, data_at: str) -> Schema:
    """Describe an event as a stream entry: every field is text, and `data` is the JSON found at `data_at`."""
    attributes: Schema = event.model_json_schema(schema_generator=PlainSchema)["properties"]
    fields = {name: _never_null(schema) for name, schema in attributes.items()}
    fields["data"] = {
        "type": "string",
        "description": "The facts, as JSON.",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": data_at},
    }
    return {"type": "object", "properties": fields, "required": list(REQUIRED)}


def of_contents(events: Iterable[type[AnyEvent]], *, ref_template: str) -> Schema:
    """Describe what the boxes of these events hold, by class name."""
    contents = {event.contents.__name__: event.contents for event in events}
    _, found = models_json_schema(
        [(model, "validation") for model in contents.values()],
        ref_template=ref_template,
        schema_generator=PlainSchema,
    )
    return dict(found["$defs"])


def _never_null(schema: Schema) -> Schema:
    """Turn an optional attribute into a plain one: in an entry it is absent, never null."""
    plain = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return next((kind for kind in schema.get("anyOf", ()) if kind["type"] != "null"), {}) | plain
