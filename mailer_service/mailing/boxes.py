"""What the boxes tell: the one place that opens them, and the facts that each mail is filled in with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from contracts.envelope import unseal
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
    SessionsRevoked,
    UnknownAddressChallenged,
    UserInvited,
    UserRegistered,
    UserSignedIn,
)
from contracts.names import plain_name
from contracts.sealing import (
    AddressMove,
    BoxRefused,
    Contents,
    Invitation,
    LoginCode,
    LoginLink,
    Newcomer,
    NewSignIn,
    Reasoned,
    Recipient,
    Sealer,
)
from mailer_service.mailing.mails import OTP_AND_LINK, mail_of
from mailer_service.mailing.masking import half_masked
from mailer_service.mailing.wording import Fact, called, one_paragraph


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened box: which mail it asks for, to whom that goes, and what it tells them. In memory only."""

    template: str
    recipients: tuple[Recipient, ...] = field(repr=False)
    facts: Mapping[str, Fact] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not appear in a log or in the ledger, whoever repeats it."""


def open_box(event: AnyEvent, *, sealer: Sealer) -> Opened:  # noqa: PLR0911 - a case for each box
    """Open an event's box. Raises `BoxRefused`, also for a fact that nobody is mailed about."""
    template = mail_of(event)
    match event:
        case OtpRequested() | UnknownAddressChallenged():
            return _code(event, template, unseal(event, LoginCode, sealer=sealer))
        case MagicLinkRequested():
            return _link(event, template, unseal(event, LoginLink, sealer=sealer))
        case UserRegistered():
            return _newcomer(template, unseal(event, Newcomer, sealer=sealer))
        case AccountApproved() | AccountReinstated() | AccountDeleted():
            contents = unseal(event, Contents, sealer=sealer)
            return Opened(template, contents.recipients, {})
        case AccountRejected() | AccountSuspended():
            decision = unseal(event, Reasoned, sealer=sealer)
            return Opened(template, decision.recipients, {"reason": one_paragraph(decision.reason or "")})
        case UserInvited():
            invitation = unseal(event, Invitation, sealer=sealer)
            host = {"invited_by": called(invitation.invited_by)}
            return Opened(template, invitation.recipients, host)
        case AddressChanged():
            return _address_move(template, unseal(event, AddressMove, sealer=sealer))
        case UserSignedIn():
            return _sign_in(event.time, template, unseal(event, NewSignIn, sealer=sealer))
        case SessionsRevoked():
            raise BoxRefused("nobody_to_mail", "nobody is mailed about sessions that ended")
        case _:
            assert_never(event)


def _code(event: AnyEvent, template: str, box: LoginCode) -> Opened:
    code = box.code.get_secret_value()
    link = _of_link("" if box.link is None else box.link.get_secret_value())
    return Opened(template, box.recipients, {"code": code, **_validity(event)}, (code, *link))


def _link(event: AnyEvent, template: str, box: LoginLink) -> Opened:
    link = box.link.get_secret_value()
    facts: dict[str, Fact] = {"link": link, **_validity(event)}
    if box.code is None:
        return Opened(template, box.recipients, facts, _of_link(link))
    code = box.code.get_secret_value()
    return Opened(OTP_AND_LINK, box.recipients, facts | {"code": code}, (code, *_of_link(link)))


def _newcomer(template: str, box: Newcomer) -> Opened:
    facts = {"newcomer_name": called(box.name), "newcomer_address": plain_name(box.address)}
    return Opened(template, box.recipients, facts, (box.address,))


def _address_move(template: str, box: AddressMove) -> Opened:
    facts = {"new_address": half_masked(plain_name(box.new_address))}
    return Opened(template, box.recipients, facts, (box.new_address,))


def _sign_in(at: datetime, template: str, box: NewSignIn) -> Opened:
    facts: dict[str, Fact] = {
        "device": plain_name(box.device),
        "client_address": plain_name(box.client_address),
        "signed_in_at": at,
    }
    return Opened(template, box.recipients, facts)


def _validity(event: AnyEvent) -> dict[str, Fact]:
    ends = event.gives_up_at()
    return {"valid_for": ends - event.time, "valid_until": ends}


def _of_link(link: str) -> tuple[str, ...]:
    """Give what is secret about a link: the whole, and the token in it, which opens as much alone."""
    return tuple(secret for secret in (link, link.partition("#")[2]) if secret)
