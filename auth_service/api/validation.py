"""Plain sentences for requests that are not valid; nothing that was sent is repeated, names included."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from auth_service.api.problems import Problem

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is needed",
    "string_type": "must be text",
    "string_too_long": "may have at most {max_length} characters",
    "string_too_short": "needs at least {min_length} characters",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "uuid_parsing": "must be an id such as 0198c5f0-1234-7abc-8def-0123456789ab",
    "extra_forbidden": "a field is not known here",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}


def problem_of(invalid: RequestValidationError) -> Problem:
    """Say what is wrong with a request, one sentence a field."""
    faults = invalid.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem("invalid_json", "The body cannot be read as JSON.")
    found = dict.fromkeys((_field(fault), _sentence(fault)) for fault in faults)  # unknown fields count once
    errors = [{"field": field, "message": message} for field, message in found]
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    return Problem("invalid_request", detail, extra={"errors": errors})


def _field(fault: Mapping[str, Any]) -> str:
    """Name a field as the caller knows it: without `body`, `query` or `path` before it.

    One that is not known has a name that only the caller chose; what holds it is named instead.
    """
    location = fault["loc"][:-1] if fault["type"] == "extra_forbidden" else fault["loc"]
    path = location[1:] or location[:1]
    return ".".join(str(step) for step in path) or "body"


def _sentence(fault: Mapping[str, Any]) -> str:
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":  # raised by a type of ours, which repeats nothing
        return str(context["error"])
    return _SENTENCES.get(fault["type"], "is not valid").format_map(context)
