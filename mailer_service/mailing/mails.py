"""The mails there are, and which event each tells of."""

from collections.abc import Mapping
from typing import Final

from contracts.events import (
    AccountApproved,
    AccountDeleted,
    AccountReinstated,
    AccountRejected,
    AccountSuspended,
    AddressChanged,
    AnyEvent,
    MagicLinkRequested,
    OtpRequested,
    UnknownAddressChallenged,
    UserInvited,
    UserRegistered,
    UserSignedIn,
)

ADDRESS_CHANGE_CODE: Final = "address_change_code"
OTP_AND_LINK: Final = "otp_and_link"

_MAILS: Final[Mapping[type[AnyEvent], str]] = {
    OtpRequested: "otp_code",
    MagicLinkRequested: "magic_link",
    UnknownAddressChallenged: "otp_code",
    UserRegistered: "registration_notice",
    AccountApproved: "account_approved",
    AccountRejected: "account_rejected",
    AccountSuspended: "account_suspended",
    AccountReinstated: "account_reinstated",
    AccountDeleted: "account_deleted",
    UserInvited: "invitation",
    AddressChanged: "address_changed",
    UserSignedIn: "new_sign_in",
}


def mail_of(event: AnyEvent) -> str:
    """Name the mail that tells of an event, by what the event says in clear; empty where none does.

    A decoy has the name of the mail it stands for. A link with a code beside it goes by the name of the link:
    only who opens the box knows of the code.
    """
    if isinstance(event, OtpRequested) and event.data.purpose == "address_change":
        return ADDRESS_CHANGE_CODE
    return _MAILS.get(type(event), "")


def mail_of_type(event_type: str) -> str:
    """Name the mail by the event's type alone; empty for a type that nobody knows or that is not mailed."""
    return next((name for event, name in _MAILS.items() if event.type_name() == event_type), "")
