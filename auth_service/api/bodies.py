"""What is sent and answered, as JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from auth_service.model.addresses import ADDRESS_CHARACTERS_MAX, canonical_address
from auth_service.model.codes import DIGITS_MAX, DIGITS_MIN, typed_code
from auth_service.model.names import NAME_CHARACTERS_MAX, locale_name, person_name
from auth_service.model.users import Role, Status, User

# What JSON Schema can say of the rules is for whoever fills in or generates; the rules are the model's.
Email = Annotated[
    str,
    AfterValidator(canonical_address),
    Field(
        examples=["ada@example.org"],
        json_schema_extra={"format": "email", "maxLength": ADDRESS_CHARACTERS_MAX},
    ),
]
Name = Annotated[
    str,
    AfterValidator(person_name),
    Field(examples=["Ada Lovelace"], json_schema_extra={"minLength": 1, "maxLength": NAME_CHARACTERS_MAX}),
]
Locale = Annotated[
    str,
    AfterValidator(locale_name),
    Field(
        examples=["en", "de", "pt_BR"],
        json_schema_extra={"pattern": "^[a-zA-Z]{2,3}([_-][a-zA-Z]{2})?$"},
    ),
]
Code = Annotated[
    str,
    AfterValidator(typed_code),
    Field(
        examples=["123456"],
        description="As typed: spaces and dashes are dropped.",
        json_schema_extra={"pattern": f"^\\s*([0-9][\\s-]*){{{DIGITS_MIN},{DIGITS_MAX}}}$"},
    ),
]


class Sent(BaseModel):
    """What is sent: fields that are not known are refused, so that a slip shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UserBody(BaseModel):
    """Someone, as they see themselves."""

    id: UUID
    email: str
    name: str
    locale: str
    role: Role
    status: Status
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserBody":
        """Show a user."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            locale=user.locale,
            role=user.role,
            status=user.status,
            created_at=user.created_at,
        )
