"""What is sent and answered, as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from auth_service.model.addresses import canonical_address
from auth_service.model.codes import typed_code
from auth_service.model.names import locale_name, person_name
from auth_service.model.sessions import Session
from auth_service.model.users import Role, Status, User

Email = Annotated[str, AfterValidator(canonical_address), Field(examples=["ada@example.org"])]
Name = Annotated[str, AfterValidator(person_name), Field(examples=["Ada Lovelace"])]
Locale = Annotated[str, AfterValidator(locale_name), Field(examples=["en", "de", "pt_BR"])]
Code = Annotated[
    str,
    AfterValidator(typed_code),
    Field(examples=["123456"], description="As typed: spaces and dashes are dropped."),
]
Transport = Annotated[
    Literal["cookie", "bearer"],
    Field(description="How this browser or program is told apart: by cookies, or by tokens it keeps itself."),
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegistrationSent(_Sent):
    """Someone asks to be let in."""

    email: Email
    name: Name
    locale: Locale | None = None
    transport: Transport = "cookie"


class ChallengeSent(_Sent):
    """Someone asks for a code."""

    email: Email
    transport: Transport = "cookie"


class CodeSent(_Sent):
    """Someone answers with a code."""

    code: Code


class ChallengeBody(BaseModel):
    """A code is on its way, if someone is to have one: the answer is the same either way."""

    challenge_id: UUID
    method: Literal["otp"] = "otp"
    code_length: int
    expires_at: datetime
    resend_at: datetime = Field(description="When another mail may be asked for.")
    binding: str | None = Field(
        default=None, description="With transport bearer: send it back as the header Porter-Binding."
    )


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


class AdminUserBody(UserBody):
    """Someone, as administrators see them."""

    version: int
    decided_by: UUID | None
    decided_at: datetime | None

    @classmethod
    def of(cls, user: User) -> "AdminUserBody":
        """Show a user with what was decided about them."""
        return cls(
            **UserBody.of(user).model_dump(),
            version=user.version,
            decided_by=user.decided_by,
            decided_at=user.decided_at,
        )


class SessionBody(BaseModel):
    """A session; its token only where it was asked for with transport bearer."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    token: str | None = None

    @classmethod
    def of(cls, session: Session, *, token: str | None) -> "SessionBody":
        """Show a session."""
        return cls(id=session.id, created_at=session.created_at, expires_at=session.expires_at, token=token)


class SignedInBody(BaseModel):
    """Someone is in."""

    user: UserBody
    session: SessionBody


class UserPageBody(BaseModel):
    """Some users, newest first."""

    users: list[AdminUserBody]
    next_cursor: str | None = Field(description="Send as `cursor` for the next page; null on the last.")
