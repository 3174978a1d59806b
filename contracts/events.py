"""The events: CloudEvents 1.0 whose `type` is a past-tense, versioned fact.

A published event may gain optional fields and nothing else; any other change is a `v2` beside the `v1`.
The class of an event is its registry entry: its `type`, its stream, and what its sealed box holds.
"""

import re
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from contracts import streams
from contracts.sealing import Contents, LoginCode, Newcomer, Sealer
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


class EventData(BaseModel):
    """The facts of an event. All that tells who is written to is in `sealed`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    locale: str = Field(description="Language of the person the fact is about, as in `pt_BR`.")
    recipients: int = Field(
        default=1, ge=0, le=1000, description="How many people the box names, one mail each."
    )
    sealed: str = Field(description="Sealed box (Fernet token) with recipients and secrets.")


class OtpRequestedData(EventData):
    """Someone known asked for a one-time code."""

    user_id: UUID
    challenge_id: UUID


class UnknownAddressChallengedData(EventData):
    """Someone unknown asked for a code: the mailer records it and sends nothing."""

    challenge_id: UUID


class UserRegisteredData(EventData):
    """A newcomer proved their address; the box names who is asked to let them in, if anyone is."""

    user_id: UUID


class AccountApprovedData(EventData):
    """An administrator let a newcomer in."""

    user_id: UUID
    approved_by: UUID


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


class OtpRequested(Event):
    """A one-time code is to be mailed."""

    stream = streams.LOGIN
    contents = LoginCode

    type: Literal["porter.auth.otp_requested.v1"] = "porter.auth.otp_requested.v1"
    dataschema: Literal["urn:porter:schema:auth:otp_requested:v1"] = "urn:porter:schema:auth:otp_requested:v1"
    data: OtpRequestedData


class UnknownAddressChallenged(Event):
    """A decoy beside `OtpRequested`: it costs the same, so asking tells nothing about an address."""

    stream = streams.LOGIN
    contents = LoginCode

    type: Literal["porter.auth.unknown_address_challenged.v1"] = "porter.auth.unknown_address_challenged.v1"
    dataschema: Literal["urn:porter:schema:auth:unknown_address_challenged:v1"] = (
        "urn:porter:schema:auth:unknown_address_challenged:v1"
    )
    data: UnknownAddressChallengedData


class UserRegistered(Event):
    """A newcomer proved their address; where they wait for approval, every administrator gets a notice."""

    stream = streams.ACCOUNTS
    contents = Newcomer

    type: Literal["porter.auth.user_registered.v1"] = "porter.auth.user_registered.v1"
    dataschema: Literal["urn:porter:schema:auth:user_registered:v1"] = (
        "urn:porter:schema:auth:user_registered:v1"
    )
    data: UserRegisteredData


class AccountApproved(Event):
    """A newcomer was let in and is told so."""

    stream = streams.ACCOUNTS

    type: Literal["porter.auth.account_approved.v1"] = "porter.auth.account_approved.v1"
    dataschema: Literal["urn:porter:schema:auth:account_approved:v1"] = (
        "urn:porter:schema:auth:account_approved:v1"
    )
    data: AccountApprovedData


LoginEvent = Annotated[OtpRequested | UnknownAddressChallenged, Field(discriminator="type")]
AccountEvent = Annotated[UserRegistered | AccountApproved, Field(discriminator="type")]
AnyEvent = OtpRequested | UnknownAddressChallenged | UserRegistered | AccountApproved

EVENT_TYPES: Final[tuple[type[AnyEvent], ...]] = (
    OtpRequested,
    UnknownAddressChallenged,
    UserRegistered,
    AccountApproved,
)


def unseal(event: Event, contents: type[C], *, sealer: Sealer) -> C:
    """Open an event's box as `contents`. Raises `BoxRefused`."""
    return sealer.open(event.data.sealed, contents, event_id=event.id)
