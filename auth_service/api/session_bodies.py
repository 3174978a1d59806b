"""What is sent and answered around someone's own sessions and account, as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from auth_service.api.bodies import Code, Email, Locale, Name, Sent
from auth_service.model.sessions import Session


class SessionBody(BaseModel):
    """Somewhere one is signed in."""

    id: UUID
    current: bool = Field(description="Whether it is this session that asks.")
    method: Literal["otp", "magic_link"] = Field(description="What it was signed in by: a code or a link.")
    device: str = Field(
        examples=["Firefox on Linux"],
        description="What the browser or program calls itself; empty where it says nothing.",
    )
    client_address: str | None = Field(
        examples=["203.0.113.7"], description="Network address that it was signed in from, where known."
    )
    created_at: datetime
    last_seen_at: datetime = Field(description="Exact to a quarter of an hour.")
    expires_at: datetime = Field(description="When it ends at the latest; unused it ends sooner.")

    @classmethod
    def of(cls, session: Session, *, current: UUID) -> "SessionBody":
        """Show a session to its owner, who asks from the session `current`."""
        return cls(
            id=session.id,
            current=session.id == current,
            method="magic_link" if session.method == "magic_link" else "otp",
            device=session.device,
            client_address=session.client_address,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
        )


class SessionsBody(BaseModel):
    """Where one is signed in, newest first; the 200 newest at most."""

    sessions: list[SessionBody]


class RevokedBody(BaseModel):
    """Sessions were ended."""

    revoked: Annotated[int, Field(ge=0, examples=[2], description="How many still stood.")]


class SelfSent(Sent):
    """What one is called and which language one reads; what is left out or null stays."""

    name: Name | None = None
    locale: Locale | None = None


class NewAddressSent(Sent):
    """The address that one wants to be reached at."""

    email: Email


class NewAddressCodeSent(Sent):
    """The code that came to the new address."""

    challenge_id: UUID
    code: Code
