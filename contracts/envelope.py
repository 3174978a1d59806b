"""The envelope of every event: CloudEvents 1.0 context attributes, and the way into its sealed box."""

import re
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from contracts import streams
from contracts.facts import EventData
from contracts.sealing import Contents, Sealer
from contracts.streams import Stream

SOURCE: Final = "urn:porter:auth"

C = TypeVar("C", bound=Contents)


def _not_a_number(value: object) -> object:
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError("is not a time as in RFC 3339")
    return value


Timestamp = Annotated[AwareDatetime, BeforeValidator(_not_a_number)]
"""RFC 3339 in text; pydantic alone would take a bare number for seconds since 1970."""


def _well_formed_or_none(value: object) -> object:
    return value if isinstance(value, str) and _TRACEPARENT.match(value) else None


_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|\Z)")

TraceParent = Annotated[str | None, BeforeValidator(_well_formed_or_none)]
"""W3C Trace Context, section 3.2; a malformed one is ignored, as that page asks: no mail is lost for it."""


class Event(BaseModel):
    """CloudEvents 1.0 context attributes, in the spelling that the stream entry has."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stream: ClassVar[Stream]
    contents: ClassVar[type[Contents]] = Contents

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    type: str
    source: str = SOURCE
    subject: str | None = Field(default=None, description="The user id; absent where there is no user.")
    time: Timestamp
    sequence: str = Field(
        pattern=r"^[0-9]+$", description="Version of the user's row when the fact was written."
    )
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    expirytime: Timestamp | None = Field(default=None, description="The mail is worthless after this.")
    traceparent: TraceParent = Field(default=None, description="W3C Trace Context of the request.")
    data: EventData

    @classmethod
    def type_name(cls) -> str:
        """Name the fact: `porter.auth.otp_requested.v1`."""
        return str(cls.model_fields["type"].default)

    @classmethod
    def schema_name(cls) -> str:
        """Name the schema of `data`: `urn:porter:schema:auth:otp_requested:v1`."""
        return str(cls.model_fields["dataschema"].default)

    def gives_up_at(self) -> datetime:
        """Tell when its mail is worthless: its own expiry, or a day after the fact."""
        return self.expirytime or self.time + streams.ACCOUNT_MAIL_LIFE


def unseal(event: Event, contents: type[C], *, sealer: Sealer) -> C:
    """Open an event's box as `contents`. Raises `BoxRefused`."""
    return sealer.open(event.data.sealed, contents, event_id=event.id)
