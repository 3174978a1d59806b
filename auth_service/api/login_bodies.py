"""What is sent and answered around signing in, as JSON."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StringConstraints

from auth_service.api.bodies import Code, Email, Locale, Name, Sent, UserBody
from auth_service.api.signing_in import Asked, Entry
from auth_service.api.visitors import Transport
from auth_service.model.delivery import Delivery
from auth_service.model.rules import LoginRules, Method

TOKEN_CHARACTERS_MAX: Final = 200
"""More than a token of ours has; what has not its form opens nothing."""

ByWhat = Annotated[
    Transport,
    Field(description="How this browser or program is told apart: by cookies, or by tokens it keeps itself."),
]


class RegistrationSent(Sent):
    """Someone asks to be let in."""

    email: Email
    name: Name
    locale: Locale | None = None
    transport: ByWhat = "cookie"


class ChallengeSent(Sent):
    """Someone asks for a code or link."""

    email: Email
    transport: ByWhat = "cookie"


class CodeSent(Sent):
    """Someone answers with a code."""

    code: Code


class LinkSent(Sent):
    """Someone answers with a link."""

    token: Annotated[
        str,
        StringConstraints(max_length=TOKEN_CHARACTERS_MAX),
        Field(description="What follows the `#` of the link.", examples=["kZ3v…43 characters…Qw"]),
    ]
    elsewhere: StrictBool = Field(
        default=False,
        description="Whoever clicked the link wants to sign in here, though they asked elsewhere.",
    )
    transport: ByWhat = "cookie"


class LookBody(BaseModel):
    """How a challenge stands for whoever asked for it, and how mail gets on for everyone."""

    state: Literal["open", "closed"]
    delivery: Delivery = Field(description="`delayed` when mail is late; say so to whoever waits for theirs.")


class ChallengeBody(BaseModel):
    """A mail is on its way, if someone is to have one: the answer is the same either way."""

    challenge_id: UUID
    method: Method = Field(description="What the mail holds: a code, a link, or both.")
    code_length: int = Field(description="Digits of a code, where there is one.")
    expires_at: datetime = Field(description="When neither code nor link opens anything any more.")
    resend_at: datetime = Field(description="When another mail may be asked for.")
    binding: str | None = Field(
        default=None, description="With transport bearer: send it back as the header Porter-Binding."
    )

    @classmethod
    def of(cls, asked: Asked, *, rules: LoginRules, binding_told: bool = True) -> "ChallengeBody":
        """Show a challenge to whoever asked for it; a program is told its binding once."""
        challenge = asked.challenge
        return cls(
            challenge_id=challenge.id,
            method=challenge.method,
            code_length=challenge.digits,
            expires_at=challenge.expires_at,
            resend_at=challenge.resend_at(cooldown=rules.resend_cooldown),
            binding=asked.binding if binding_told and asked.visitor.transport == "bearer" else None,
        )


class NewSessionBody(BaseModel):
    """A session that has just begun; its tokens only with transport bearer."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    token: str | None = Field(
        default=None, description="Send it as `Authorization: Bearer …`. It is told here alone."
    )
    device: str | None = Field(
        default=None,
        description="By this the account knows this program again: send it as the header Porter-Device"
        " whenever you ask for or answer a challenge.",
    )


class SignedInBody(BaseModel):
    """Someone is in."""

    user: UserBody
    session: NewSessionBody

    @classmethod
    def of(cls, entry: Entry) -> "SignedInBody":
        """Show who is in; a browser has its tokens as cookies, where no script reads them."""
        program = entry.visitor.transport == "bearer"
        return cls(
            user=UserBody.of(entry.user),
            session=NewSessionBody(
                id=entry.session.id,
                created_at=entry.session.created_at,
                expires_at=entry.session.expires_at,
                token=entry.tokens.session if program else None,
                device=entry.tokens.device if program else None,
            ),
        )
