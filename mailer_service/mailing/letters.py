"""From an event to what is to be written to whom: the one place that opens sealed boxes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from contracts.envelope import unseal
from contracts.events import AccountApproved, AnyEvent, OtpRequested, UnknownAddressChallenged, UserRegistered
from contracts.names import plain_name
from contracts.sealing import BoxRefused, Contents, LoginCode, Newcomer, Recipient, Sealer
from mailer_service.mailing.mailbox import Mailbox

_TEMPLATES: Final[Mapping[type[AnyEvent], str]] = {
    OtpRequested: "otp_code",
    UnknownAddressChallenged: "otp_code",
    UserRegistered: "registration_notice",
    AccountApproved: "account_approved",
}


def template_of(event: AnyEvent) -> str:
    """Name the mail that tells of an event; a decoy has the name of the mail it stands for."""
    return _TEMPLATES[type(event)]


def template_of_type(event_type: str) -> str:
    """Name the mail by the event's type; empty for a type that nobody knows."""
    return next((name for event, name in _TEMPLATES.items() if event.type_name() == event_type), "")


@dataclass(frozen=True, slots=True)
class Letter:
    """What one mail says, before it has a form. Lives in memory only: `facts` may hold a code."""

    template: str
    recipient: Mailbox
    locale: str
    facts: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not appear in a log or in the ledger, whoever repeats it."""


def open_letter(event: AnyEvent, *, position: int, sealer: Sealer) -> Letter:
    """Open an event's box and address the letter to recipient `position`, from 0.

    Raises `BoxRefused`, and `AddressUnusable` when SMTP cannot carry the address.
    """
    match event:
        case OtpRequested() | UnknownAddressChallenged():
            box = unseal(event, LoginCode, sealer=sealer)
            code = box.code.get_secret_value()
            ends = event.gives_up_at()
            facts = {
                "code": code,
                "valid_for": in_words(ends - event.time),
                "valid_until": clock(ends),
            }
            return _addressed(event, box, position, facts, secrets=(code,))
        case UserRegistered():
            notice = unseal(event, Newcomer, sealer=sealer)
            newcomer = {
                "newcomer_name": plain_name(notice.name),
                "newcomer_address": plain_name(notice.address),
            }
            return _addressed(event, notice, position, newcomer, secrets=(notice.address,))
        case AccountApproved():
            contents = unseal(event, Contents, sealer=sealer)
            return _addressed(event, contents, position, {})
        case _:
            assert_never(event)


def _addressed(
    event: AnyEvent,
    contents: Contents,
    position: int,
    facts: Mapping[str, str],
    *,
    secrets: tuple[str, ...] = (),
) -> Letter:
    recipient = _recipient(contents, position)
    mailbox = Mailbox.of(recipient.address, name=recipient.name)
    return Letter(
        template=template_of(event),
        recipient=mailbox,
        locale=recipient.locale,
        facts={"name": mailbox.name, **facts},
        secrets=secrets,
    )


def _recipient(contents: Contents, position: int) -> Recipient:
    if not 0 <= position < len(contents.recipients):
        raise BoxRefused(
            "box_malformed", f"the box names {len(contents.recipients)} recipients, none at {position}"
        )
    return contents.recipients[position]


def in_words(duration: timedelta) -> str:
    """Say a duration as people do, in whole hours, minutes or seconds: "10 minutes"."""
    seconds = max(0, round(duration.total_seconds()))
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return "0 seconds"


def clock(moment: datetime) -> str:
    """Say when, in a zone that everyone can convert from: "14:05 UTC"."""
    return moment.astimezone(UTC).strftime("%H:%M UTC")
