"""A person with an account, and the moves that their account may make.

```
unverified ──right code──▶ pending ──approved──▶ active ──suspended──▶ suspended
   │  └────right code, where no approval is needed──▲ ▲ ◀──reinstated──────┘
   │                          │                     │ │
   │                          └─rejected▶ rejected ─┘ │
   └─invited─▶ invited ──────right code───────────────┘
```

From `rejected` it is `approved` that leads to `active`. Whoever is promoted is active, wherever they stood.
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
        self._only_from("verified", Status.UNVERIFIED, Status.INVITED)
        return replace(
            self._called(name),
            locale=locale or self.locale,
            status=Status.PENDING if approval_required else Status.ACTIVE,
            version=self.version + 1,
        )

    def invited(self, *, name: str | None, locale: str | None, role: Role, by: UUID, at: datetime) -> "User":
        """Let in beforehand someone who has not proved their address. Raises `TransitionNotAllowed`."""
        self._only_from("invited", Status.UNVERIFIED)
        invited = self._decided(Status.INVITED, by=by, at=at, reason=None)
        return replace(invited, name=name or self.name, locale=locale or self.locale, role=role)

    def approved(self, *, by: UUID, at: datetime) -> "User":
        """Let in someone who waits, or who was rejected before. Raises `TransitionNotAllowed`."""
        self._only_from("approved", Status.PENDING, Status.REJECTED)
        return self._decided(Status.ACTIVE, by=by, at=at, reason=None)

    def rejected(self, *, by: UUID, at: datetime, reason: str | None) -> "User":
        """Keep out someone who waits. Raises `TransitionNotAllowed`."""
        self._only_from("rejected", Status.PENDING)
        return self._decided(Status.REJECTED, by=by, at=at, reason=reason)

    def suspended(self, *, by: UUID, at: datetime, reason: str | None) -> "User":
        """Shut out someone who was in. Raises `TransitionNotAllowed`."""
        self._only_from("suspended", Status.ACTIVE)
        return self._decided(Status.SUSPENDED, by=by, at=at, reason=reason)

    def reinstated(self, *, by: UUID, at: datetime) -> "User":
        """Let in again someone who was shut out. Raises `TransitionNotAllowed`."""
        self._only_from("reinstated", Status.SUSPENDED)
        return self._decided(Status.ACTIVE, by=by, at=at, reason=None)

    def changed(
        self, *, name: str | None = None, role: Role | None = None, locale: str | None = None
    ) -> "User":
        """Change what is given; the same value, version and all, where that changes nothing."""
        asked = replace(self, name=name or self.name, role=role or self.role, locale=locale or self.locale)
        return self if asked == self else replace(asked, version=self.version + 1)

    def moved(self, *, email: str) -> "User":
        """Reach them at another address from now on, which they have proved to be theirs."""
        return replace(self, email=email, version=self.version + 1)

    def promoted(self, *, name: str | None) -> "User":
        """Make an active administrator of them, wherever they stood: the operator's own word."""
        was_in = self.status is Status.ACTIVE
        return replace(
            self._called(name),
            role=Role.ADMIN,
            status=Status.ACTIVE,
            version=self.version + 1,
            # Of someone who was in, it still tells who let them in; what kept or shut others out is undone.
            decided_by=self.decided_by if was_in else None,
            decided_at=self.decided_at if was_in else None,
            decision_reason=self.decision_reason if was_in else None,
        )

    def _called(self, name: str | None) -> "User":
        return replace(self, name=name or self.name or self.email.partition("@")[0])

    def _decided(self, status: Status, *, by: UUID, at: datetime, reason: str | None) -> "User":
        return replace(
            self,
            status=status,
            version=self.version + 1,
            decided_by=by,
            decided_at=at,
            decision_reason=reason,
        )

    def _only_from(self, move: str, *allowed: Status) -> None:
        if self.status not in allowed:
            raise TransitionNotAllowed(move, status=self.status)
