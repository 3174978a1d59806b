"""What administrators send and are answered, as JSON."""

import re
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from auth_service.api import cursors
from auth_service.api.bodies import Email, Locale, Name, Sent, UserBody
from auth_service.flows.administration import AuditPage, UserPage
from auth_service.model.audit import Action
from auth_service.model.names import plain_text
from auth_service.model.users import Role, User
from auth_service.storage.audit import AuditEntry

REASON_CHARACTERS_MAX: Final = 500

_BLANKS: Final = re.compile(r"(?:\r?\n| )+")


def _one_paragraph(written: str) -> str:
    """Make one blank of line ends and blanks. Raises `ValueError` at other controls."""
    return plain_text(_BLANKS.sub(" ", written))


Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=REASON_CHARACTERS_MAX),
    AfterValidator(_one_paragraph),
    Field(
        description="One paragraph: line ends become blanks. Whom it is about reads it in their mail.",
        examples=["We could not find you on the list of members."],
    ),
]
NextCursor = Annotated[str | None, Field(description="Send as `cursor` for the next page; null on the last.")]


class DecisionSent(Sent):
    """Why something was decided, if that is to be told."""

    reason: Reason | None = None


class InvitationSent(Sent):
    """Someone is to be let in without asking."""

    email: Email
    name: Name | None = None
    role: Role = Role.MEMBER
    locale: Locale | None = None


class ChangeSent(Sent):
    """What is to be changed about someone; what is absent or null stays."""

    name: Name | None = None
    role: Role | None = None
    locale: Locale | None = None


class AdminUserBody(UserBody):
    """Someone, as administrators see them."""

    version: int = Field(description="Grows by one with each change.")
    decided_by: UUID | None = Field(description="Who decided about them last.")
    decided_by_name: str | None = Field(
        description="What that administrator is called now; null if they are gone."
    )
    decided_at: datetime | None
    decision_reason: str | None = Field(description="What was said with a rejection or suspension.")

    @classmethod
    def shown(cls, user: User, *, decided_by_name: str | None) -> "AdminUserBody":
        """Show a user with what was decided about them."""
        return cls(
            **UserBody.of(user).model_dump(),
            version=user.version,
            decided_by=user.decided_by,
            decided_by_name=decided_by_name,
            decided_at=user.decided_at,
            decision_reason=user.decision_reason,
        )


class UserPageBody(BaseModel):
    """Some users, newest first."""

    users: list[AdminUserBody]
    next_cursor: NextCursor

    @classmethod
    def of(cls, page: UserPage) -> "UserPageBody":
        """Show a page of users."""
        return cls(
            users=[
                AdminUserBody.shown(listed.user, decided_by_name=listed.decided_by_name)
                for listed in page.users
            ],
            next_cursor=cursors.written(page.next_before),
        )


class AuditEventBody(BaseModel):
    """Something that was done, or tried."""

    id: UUID
    occurred_at: datetime
    action: Action
    actor_id: UUID | None = Field(description="Who did it; null for the service itself and for strangers.")
    actor_name: str | None = Field(description="What they are called now; null if they are gone.")
    subject_id: UUID | None = Field(description="To whom it was done.")
    subject_name: str | None = Field(description="What they are called now; null if they are gone.")
    client_address: str | None = Field(description="Whence it was asked for.", examples=["203.0.113.7"])
    trace_id: str | None = Field(description="Leads to the log lines of that request.")
    details: dict[str, Any] = Field(
        description="More about it, by action; never an address, a name or a secret.",
        examples=[{"fields": ["role"], "role_before": "member", "role": "admin"}],
    )

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEventBody":
        """Show an entry of the audit trail."""
        noted = entry.event
        return cls(
            id=noted.id,
            occurred_at=noted.occurred_at,
            action=noted.action,
            actor_id=noted.actor_id,
            actor_name=entry.actor_name,
            subject_id=noted.subject_id,
            subject_name=entry.subject_name,
            client_address=noted.client_address,
            trace_id=noted.trace_id,
            details=dict(noted.details),
        )


class AuditPageBody(BaseModel):
    """Some of the audit trail, newest first."""

    events: list[AuditEventBody]
    next_cursor: NextCursor

    @classmethod
    def of(cls, page: AuditPage) -> "AuditPageBody":
        """Show a page of the audit trail."""
        return cls(
            events=[AuditEventBody.of(entry) for entry in page.entries],
            next_cursor=cursors.written(page.next_before),
        )
