"""A person with an account, and the moves that their account may make.

```
unverified ──right code──▶ pending ──approved──▶ active
                              rejected ──approved──▶ active
```
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a person may do here."""

    MEMBER = "member"
    ADMIN = "admin"


class Status(StrEnum):
    """Where an account stands."""

    UNVERIFIED = "unverified"
    INVITED = "invited"
    PENDING = "pending"
    ACTIVE = "active"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class TransitionNotAllowed(Exception):
    """An account cannot make this move from where it stands."""

    def __init__(self, move: str, *, status: Status) -> None:
        super().__init__(f"an account that is {status.value} cannot be {move}")
        self.status = status


class LastAdministrator(Exception):
    """Nobody else could decide about others: the last administrator stays one."""


class UserUnknown(LookupError):
    """No user has this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A row of a person; each transition gives a new value with the next `version`."""

    id: UUID
    email: str
    name: str
    locale: str
    role: Role
    status: Status
    version: int
    created_at: datetime
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    @property
    def is_administrator(self) -> bool:
        """Whether they may decide about others now."""
        return self.role is Role.ADMIN and self.status is Status.ACTIVE

    def verified(self, *, name: str | None, locale: str | None, approval_required: bool) -> "User":
        """Take a newcomer whose address is proved, under the name given beside the right code.

        Without a name they are called by what stands before the @. Raises `TransitionNotAllowed`.
        """
        if self.status is not Status.UNVERIFIED:
            raise TransitionNotAllowed("verified", status=self.status)
        return replace(
            self,
            name=name or self.name or self.email.partition("@")[0],
            locale=locale or self.locale,
            status=Status.PENDING if approval_required else Status.ACTIVE,
            version=self.version + 1,
        )

    def approved(self, *, by: UUID, at: datetime) -> "User":
        """Let in someone who waits, or who was rejected before. Raises `TransitionNotAllowed`."""
        if self.status not in {Status.PENDING, Status.REJECTED}:
            raise TransitionNotAllowed("approved", status=self.status)
        return replace(self, status=Status.ACTIVE, version=self.version + 1, decided_by=by, decided_at=at)

    def promoted(self, *, name: str | None) -> "User":
        """Make an active administrator of them, wherever they stood: the operator's own word."""
        return replace(
            self,
            name=name or self.name or self.email.partition("@")[0],
            role=Role.ADMIN,
            status=Status.ACTIVE,
            version=self.version + 1,
        )
