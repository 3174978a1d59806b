"""The events: CloudEvents 1.0 whose `type` is a past-tense, versioned fact.

A published event may gain optional fields and nothing else; any other change is a `v2` beside the `v1`.
The class of an event is its registry entry: its `type`, its stream, and what its sealed box holds.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from contracts import streams
from contracts.envelope import Event
from contracts.facts import (
    AccountApprovedData,
    AccountDeletedData,
    AccountReinstatedData,
    AccountRejectedData,
    AccountSuspendedData,
    AddressChangedData,
    MagicLinkRequestedData,
    OtpRequestedData,
    SessionsRevokedData,
    UnknownAddressChallengedData,
    UserInvitedData,
    UserRegisteredData,
    UserSignedInData,
)
from contracts.sealing import AddressMove, Invitation, LoginCode, LoginLink, Newcomer, NewSignIn, Reasoned


class OtpRequested(Event):
    """A one-time code is to be mailed."""

    stream = streams.LOGIN
    contents = LoginCode

    type: Literal["porter.auth.otp_requested.v1"] = "porter.auth.otp_requested.v1"
    dataschema: Literal["urn:porter:schema:auth:otp_requested:v1"] = "urn:porter:schema:auth:otp_requested:v1"
    data: OtpRequestedData


class MagicLinkRequested(Event):
    """A sign-in link is to be mailed, with a code beside it or alone."""

    stream = streams.LOGIN
    contents = LoginLink

    type: Literal["porter.auth.magic_link_requested.v1"] = "porter.auth.magic_link_requested.v1"
    dataschema: Literal["urn:porter:schema:auth:magic_link_requested:v1"] = (
        "urn:porter:schema:auth:magic_link_requested:v1"
    )
    data: MagicLinkRequestedData


class UnknownAddressChallenged(Event):
    """A decoy beside the requests above: it costs the same, so asking tells nothing about an address."""

    stream = streams.LOGIN
    contents = LoginCode

    type: Literal["porter.auth.unknown_address_challenged.v1"] = "porter.auth.unknown_address_challenged.v1"
    dataschema: Literal["urn:porter:schema:auth:unknown_address_challenged:v1"] = (
        "urn:porter:schema:auth:unknown_address_challenged:v1"
    )
    data: UnknownAddressChallengedData


class UserRegistered(Event):
    """A newcomer proved their address; where they wait for approval, every administrator gets a notice."""

    stream = streams.ACCOUNTS
    contents = Newcomer

    type: Literal["porter.auth.user_registered.v1"] = "porter.auth.user_registered.v1"
    dataschema: Literal["urn:porter:schema:auth:user_registered:v1"] = (
        "urn:porter:schema:auth:user_registered:v1"
    )
    data: UserRegisteredData


class AccountApproved(Event):
    """A newcomer was let in and is told so."""

    stream = streams.ACCOUNTS

    type: Literal["porter.auth.account_approved.v1"] = "porter.auth.account_approved.v1"
    dataschema: Literal["urn:porter:schema:auth:account_approved:v1"] = (
        "urn:porter:schema:auth:account_approved:v1"
    )
    data: AccountApprovedData


class AccountRejected(Event):
    """A newcomer was not let in and is told so."""

    stream = streams.ACCOUNTS
    contents = Reasoned

    type: Literal["porter.auth.account_rejected.v1"] = "porter.auth.account_rejected.v1"
    dataschema: Literal["urn:porter:schema:auth:account_rejected:v1"] = (
        "urn:porter:schema:auth:account_rejected:v1"
    )
    data: AccountRejectedData


class AccountSuspended(Event):
    """An account was shut, its sessions ended, and its owner is told so."""

    stream = streams.ACCOUNTS
    contents = Reasoned

    type: Literal["porter.auth.account_suspended.v1"] = "porter.auth.account_suspended.v1"
    dataschema: Literal["urn:porter:schema:auth:account_suspended:v1"] = (
        "urn:porter:schema:auth:account_suspended:v1"
    )
    data: AccountSuspendedData


class AccountReinstated(Event):
    """A suspended account is open again, and its owner is told so."""

    stream = streams.ACCOUNTS

    type: Literal["porter.auth.account_reinstated.v1"] = "porter.auth.account_reinstated.v1"
    dataschema: Literal["urn:porter:schema:auth:account_reinstated:v1"] = (
        "urn:porter:schema:auth:account_reinstated:v1"
    )
    data: AccountReinstatedData


class AccountDeleted(Event):
    """An account is gone with all that belonged to it; whoever had it is told so."""

    stream = streams.ACCOUNTS

    type: Literal["porter.auth.account_deleted.v1"] = "porter.auth.account_deleted.v1"
    dataschema: Literal["urn:porter:schema:auth:account_deleted:v1"] = (
        "urn:porter:schema:auth:account_deleted:v1"
    )
    data: AccountDeletedData


class UserInvited(Event):
    """Someone may come in without asking, and is told so."""

    stream = streams.ACCOUNTS
    contents = Invitation

    type: Literal["porter.auth.user_invited.v1"] = "porter.auth.user_invited.v1"
    dataschema: Literal["urn:porter:schema:auth:user_invited:v1"] = "urn:porter:schema:auth:user_invited:v1"
    data: UserInvitedData


class AddressChanged(Event):
    """An account has another address; the one it had is told, should it be a thief's doing."""

    stream = streams.ACCOUNTS
    contents = AddressMove

    type: Literal["porter.auth.address_changed.v1"] = "porter.auth.address_changed.v1"
    dataschema: Literal["urn:porter:schema:auth:address_changed:v1"] = (
        "urn:porter:schema:auth:address_changed:v1"
    )
    data: AddressChangedData


class UserSignedIn(Event):
    """Someone signed in; they get a mail when their account did not know the device."""

    stream = streams.SESSIONS
    contents = NewSignIn

    type: Literal["porter.auth.user_signed_in.v1"] = "porter.auth.user_signed_in.v1"
    dataschema: Literal["urn:porter:schema:auth:user_signed_in:v1"] = (
        "urn:porter:schema:auth:user_signed_in:v1"
    )
    data: UserSignedInData


class SessionsRevoked(Event):
    """Someone's sessions ended: they signed out, or an administrator shut the account."""

    stream = streams.SESSIONS

    type: Literal["porter.auth.sessions_revoked.v1"] = "porter.auth.sessions_revoked.v1"
    dataschema: Literal["urn:porter:schema:auth:sessions_revoked:v1"] = (
        "urn:porter:schema:auth:sessions_revoked:v1"
    )
    data: SessionsRevokedData


LoginEvent = Annotated[
    OtpRequested | MagicLinkRequested | UnknownAddressChallenged, Field(discriminator="type")
]
AccountEvent = Annotated[
    UserRegistered
    | AccountApproved
    | AccountRejected
    | AccountSuspended
    | AccountReinstated
    | AccountDeleted
    | UserInvited
    | AddressChanged,
    Field(discriminator="type"),
]
SessionEvent = Annotated[UserSignedIn | SessionsRevoked, Field(discriminator="type")]
AnyEvent = (
    OtpRequested
    | MagicLinkRequested
    | UnknownAddressChallenged
    | UserRegistered
    | AccountApproved
    | AccountRejected
    | AccountSuspended
    | AccountReinstated
    | AccountDeleted
    | UserInvited
    | AddressChanged
    | UserSignedIn
    | SessionsRevoked
)

EVENT_TYPES: Final[tuple[type[AnyEvent], ...]] = (
    OtpRequested,
    MagicLinkRequested,
    UnknownAddressChallenged,
    UserRegistered,
    AccountApproved,
    AccountRejected,
    AccountSuspended,
    AccountReinstated,
    AccountDeleted,
    UserInvited,
    AddressChanged,
    UserSignedIn,
    SessionsRevoked,
)
