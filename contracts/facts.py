"""The facts that events tell in clear: a class for the `data` of each.

A published event may gain optional fields and nothing else. All that tells who is written to is sealed.
"""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class EventData(BaseModel):
    """The facts of an event. All that tells who is written to is in `sealed`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    locale: str = Field(description="Language of the person the fact is about, as in `pt_BR`.")
    recipients: int = Field(
        default=1, ge=0, le=1000, description="How many people the box names, one mail each."
    )
    sealed: str = Field(description="Sealed box (Fernet token) with recipients and secrets.")


class OtpRequestedData(EventData):
    """Someone known asked for a one-time code."""

    user_id: UUID
    challenge_id: UUID
    purpose: Literal["sign_in", "address_change"] = Field(
        default="sign_in", description="What the code is for; to change an address it goes to the new one."
    )


class MagicLinkRequestedData(EventData):
    """Someone known asked for a sign-in link."""

    user_id: UUID
    challenge_id: UUID


class UnknownAddressChallengedData(EventData):
    """Someone unknown asked for a code: the mailer records it and sends nothing."""

    challenge_id: UUID


class UserRegisteredData(EventData):
    """A newcomer proved their address; the box names who is asked to let them in, if anyone is."""

    user_id: UUID


class AccountApprovedData(EventData):
    """An administrator let a newcomer in."""

    user_id: UUID
    approved_by: UUID


class AccountRejectedData(EventData):
    """An administrator did not let a newcomer in; the box holds the reason, if one was given."""

    user_id: UUID
    rejected_by: UUID


class AccountSuspendedData(EventData):
    """An administrator shut an account; the box holds the reason, if one was given."""

    user_id: UUID
    suspended_by: UUID


class AccountReinstatedData(EventData):
    """An administrator opened a suspended account again."""

    user_id: UUID
    reinstated_by: UUID


class AccountDeletedData(EventData):
    """An account is gone; `deleted_by` is its owner or an administrator."""

    user_id: UUID
    deleted_by: UUID


class UserInvitedData(EventData):
    """An administrator invited someone, who needs no approval any more."""

    user_id: UUID
    invited_by: UUID


class AddressChangedData(EventData):
    """Someone's account has another address; the one it had is told."""

    user_id: UUID


class UserSignedInData(EventData):
    """Someone signed in; from a device that is new to their account, their box says whence."""

    user_id: UUID
    session_id: UUID
    method: Literal["otp", "magic_link"]
    new_device: bool


class SessionsRevokedData(EventData):
    """Sessions ended before their time. Nobody is mailed."""

    user_id: UUID
    session_ids: tuple[UUID, ...]
    reason: Literal["signed_out", "revoked", "suspended", "deleted", "address_changed"]
