"""Reading what a plain form sends (application/x-www-form-urlencoded)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from auth_service.api.problems import Problem

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Form:
    """A form's fields; of one that came twice the last counts."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Give a field as it was typed; empty where it is missing."""
        return self.fields.get(name, "")


async def read_form(request: Request) -> Form:
    """Read a form. Raises `Problem`; `BodyLimit` has held the body to its size."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Problem("unsupported_media_type", "Send what a form sends.")
    try:
        written = (await request.body()).decode()
        return Form(dict(parse_qsl(written, keep_blank_values=True, max_num_fields=FIELDS_MAX)))
    except ValueError:  # bytes that are no UTF-8, or fields without end
        raise Problem("invalid_request", "The form cannot be read.") from None
