"""One event for each mail there is, as auth_service would write it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import uuid4

from contracts import events, sealing
from contracts.envelope import Event
from contracts.events import AnyEvent
from contracts.identifiers import new_id
from contracts.sealing import Contents, Recipient
from tests.support.couriers import (
    ADA,
    CODE,
    SEALER,
    account_approved,
    now,
    otp_requested,
    unknown_address_challenged,
    user_registered,
)

TOKEN: Final = "q0mFZq1jHqcG5zY0n2xw3Vb8kQd7LrTsUuPaXe9ItJo"
LINK: Final = f"https://login.porter.test/login/link#{TOKEN}"
RECIPIENTS: Final = (Recipient(address=ADA, name="Ada Lovelace"),)

E = TypeVar("E", bound=Event)


def event_of(
    kind: type[E],
    box: Contents,
    *,
    facts: Mapping[str, object],
    at: datetime | None = None,
    life: timedelta | None = None,
) -> E:
    """Write an event of `kind` with this box; `facts` are those beside what every event tells."""
    event_id, moment = new_id(), at or now()
    common = {"locale": "en", "recipients": len(box.recipients), "user_id": uuid4()}
    return kind.model_validate(
        {
            "id": event_id,
            "type": kind.type_name(),
            "dataschema": kind.schema_name(),
            "subject": str(uuid4()),
            "time": moment,
            "sequence": "1",
            "expirytime": None if life is None else moment + life,
            "data": {**common, "sealed": SEALER.seal(box, event_id=event_id), **facts},
        }
    )


def magic_link_requested(*, code: str | None = None, link: str = LINK) -> events.MagicLinkRequested:
    box = sealing.LoginLink.model_validate({"recipients": RECIPIENTS, "link": link, "code": code})
    return event_of(
        events.MagicLinkRequested, box, facts={"challenge_id": uuid4()}, life=timedelta(minutes=10)
    )


def address_change_requested() -> events.OtpRequested:
    box = sealing.LoginCode.model_validate({"recipients": RECIPIENTS, "code": CODE})
    facts = {"challenge_id": uuid4(), "purpose": "address_change"}
    return event_of(events.OtpRequested, box, facts=facts, life=timedelta(minutes=10))


def account_rejected(reason: str | None = None) -> events.AccountRejected:
    box = sealing.Reasoned(recipients=RECIPIENTS, reason=reason)
    return event_of(events.AccountRejected, box, facts={"rejected_by": uuid4()})


def account_suspended(reason: str | None = None) -> events.AccountSuspended:
    box = sealing.Reasoned(recipients=RECIPIENTS, reason=reason)
    return event_of(events.AccountSuspended, box, facts={"suspended_by": uuid4()})


def account_reinstated() -> events.AccountReinstated:
    return event_of(
        events.AccountReinstated, Contents(recipients=RECIPIENTS), facts={"reinstated_by": uuid4()}
    )


def account_deleted() -> events.AccountDeleted:
    return event_of(events.AccountDeleted, Contents(recipients=RECIPIENTS), facts={"deleted_by": uuid4()})


def user_invited(invited_by: str = "Grace Hopper") -> events.UserInvited:
    box = sealing.Invitation(recipients=RECIPIENTS, invited_by=invited_by)
    return event_of(events.UserInvited, box, facts={"invited_by": uuid4()})


def address_changed(new_address: str = "countess@example.net") -> events.AddressChanged:
    box = sealing.AddressMove(recipients=RECIPIENTS, new_address=new_address)
    return event_of(events.AddressChanged, box, facts={})


def user_signed_in(
    *,
    device: str = "Firefox on Linux",
    client_address: str = "2001:db8::7",
    at: datetime | None = None,
    recipients: tuple[Recipient, ...] = RECIPIENTS,
) -> events.UserSignedIn:
    box = sealing.NewSignIn(recipients=recipients, device=device, client_address=client_address)
    facts = {"session_id": uuid4(), "method": "otp", "new_device": bool(recipients)}
    return event_of(events.UserSignedIn, box, facts=facts, at=at)


def sessions_revoked() -> events.SessionsRevoked:
    facts = {"session_ids": [uuid4(), uuid4()], "reason": "signed_out"}
    return event_of(events.SessionsRevoked, Contents(recipients=()), facts=facts)


MAILED: Final[dict[str, Callable[[], AnyEvent]]] = {
    "otp_code": otp_requested,
    "magic_link": magic_link_requested,
    "otp_and_link": lambda: magic_link_requested(code=CODE),
    "address_change_code": address_change_requested,
    "registration_notice": lambda: user_registered("admin@example.org"),
    "account_approved": account_approved,
    "account_rejected": lambda: account_rejected("Members only."),
    "account_suspended": lambda: account_suspended("Unpaid fees."),
    "account_reinstated": account_reinstated,
    "account_deleted": account_deleted,
    "invitation": user_invited,
    "address_changed": address_changed,
    "new_sign_in": user_signed_in,
}
"""By the name of the mail, an event that asks for it."""

NOT_MAILED: Final[tuple[Callable[[], AnyEvent], ...]] = (unknown_address_challenged, sessions_revoked)
"""Events that nobody gets a mail for."""
