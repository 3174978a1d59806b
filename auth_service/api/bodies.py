"""What is sent and answered, as JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from auth_service.model.addresses import canonical_address
from auth_service.model.codes import typed_code
from auth_service.model.names import locale_name, person_name
from auth_service.model.users import Role, Status, User

Email = Annotated[str, AfterValidator(canonical_address), Field(examples=["ada@example.org"])]
Name = Annotated[str, AfterValidator(person_name), Field(examples=["Ada Lovelace"])]
Locale = Annotated[str, AfterValidator(locale_name), Field(examples=["en", "de", "pt_BR"])]
Code = Annotated[
    str,
    AfterValidator(typed_code),
    Field(examples=["123456"], description="As typed: spaces and dashes are dropped."),
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
