"""What is sent and answered around signing in, as JSON."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from pydantic.config import JsonDict

from auth_service.api.bodies import Code, Email, Locale, Name, Sent, UserBody
from auth_service.api.signing_in import Asked, Entry
from auth_service.api.visitors import Transport
from auth_service.model.delivery import Delivery
from auth_service.model.rules import LoginRules, Method

TOKEN_CHARACTERS_MAX: Final = 200
"""More than a token of ours has; what has not its form opens nothing."""

_FRAGMENT: Final = "kZ3vX0cQ8b1Yp5Jt7nRsW2aLdE4fGhM6uOiPzTxCvBk"

ByWhat = Annotated[
    Transport,
    Field(description="How this browser or program is told apart: by cookies, or by tokens it keeps itself."),
]


def _example(body: JsonDict) -> ConfigDict:
    """Show in the OpenAPI document what a body may look like."""
    return ConfigDict(json_schema_extra={"examples": [body]})


class RegistrationSent(Sent):
    """Someone asks to be let in."""

    model_config = _example({"email": "ada@example.org", "name": "Ada Lovelace", "locale": "en"})

    email: Email
    name: Name
    locale: Locale | None = None
    transport: ByWhat = "cookie"


class ChallengeSent(Sent):
    """Someone asks for a code or link."""

    model_config = _example({"email": "ada@example.org", "transport": "cookie"})

    email: Email
    transport: ByWhat = "cookie"


class CodeSent(Sent):
    """Someone answers with a code."""

    model_config = _example({"code": "123 456"})

    code: Code


class LinkSent(Sent):
    """Someone answers with a link."""

    model_config = _example({"token": _FRAGMENT, "elsewhere": False, "transport": "cookie"})

    token: Annotated[
        str,
        StringConstraints(max_length=TOKEN_CHARACTERS_MAX),
        Field(description="What follows the `#` of the link.", examples=[_FRAGMENT]),
    ]
    elsewhere: StrictBool = Field(
        default=False,
        description="Whoever clicked the link wants to sign in here, though they asked elsewhere.",
    )
    transport: ByWhat = "cookie"


class LookBody(BaseModel):
    """How a challenge stands for whoever asked for it, and how mail gets on for everyone."""

    model_config = _example({"state": "open", "delivery": "on_its_way"})

    state: Literal["open", "closed"]
    delivery: Delivery = Field(description="`delayed` when mail is late; say so to whoever waits for theirs.")


class ChallengeBody(BaseModel):
    """A mail is on its way, if someone is to have one: the answer is the same either way."""

    model_config = _example(
        {
            "challenge_id": "0198c5f0-1234-7abc-8def-0123456789ab",
            "method": "otp",
            "code_length": 6,
            "expires_at": "2026-03-01T12:10:00Z",
            "resend_at": "2026-03-01T12:01:00Z",
        }
    )

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

    model_config = _example(
        {
            "user": {
                "id": "0198c5f0-1111-7abc-8def-0123456789ab",
                "email": "ada@example.org",
                "name": "Ada Lovelace",
                "locale": "en",
                "role": "member",
                "status": "active",
                "created_at": "2026-02-01T09:00:00Z",
            },
            "session": {
                "id": "0198c5f0-2222-7abc-8def-0123456789ab",
                "created_at": "2026-03-01T12:00:30Z",
                "expires_at": "2026-03-31T12:00:30Z",
            },
        }
    )

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
