"""What is noted of who did what: the audit trail's vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Action(StrEnum):
    """What was done, or tried; in the past tense."""

    REGISTERED = "registered"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSIONS_REVOKED = "sessions_revoked"
    ACCESS_REFUSED = "access_refused"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    INVITED = "invited"
    DELETED = "deleted"
    CHANGED = "changed"
    ADDRESS_CHANGED = "address_changed"
    ADMINISTRATOR_MADE = "administrator_made"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One entry of the trail. `details` are our words and numbers: never an address, a code or a token."""

    id: UUID
    occurred_at: datetime
    action: Action
    actor_id: UUID | None
    subject_id: UUID | None
    client_address: str | None
    trace_id: str | None
    details: Mapping[str, object]
