"""What an operator hears of a delivery: one log line and the counters. Never who the mail was for."""

from typing import assert_never

import structlog

from contracts.events import AnyEvent
from mailer_service.mailing.attempts import Attempt
from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Busy,
    Delivery,
    Expired,
    HandedBack,
    Held,
    PassedOn,
    Postponed,
    Rejected,
    Sent,
    Suppressed,
    Unconfirmed,
)
from mailer_service.mailing.mails import mail_of
from mailer_service.mailing.metrics import duplicates_suppressed_total, mails_total

log = structlog.get_logger(__name__)


def tell(event: AnyEvent, attempt: Attempt, delivery: Delivery) -> None:  # noqa: C901, PLR0912 - a case for each ending
    """Log and count what became of an attempt at an event's mail."""
    template = mail_of(event)
    line = log.bind(event_id=str(event.id), template=template, attempt=attempt.number)
    match delivery:
        case Sent():
            result = "sent"
            line.info("mail_sent")
        case AlreadyEnded(state=state):
            result = "already_ended"
            line.info("mail_already_ended", state=state.value)
            duplicates_suppressed_total.inc()
        case Expired():
            result = "expired"
            line.warning("mail_expired")
        case Suppressed(reason=reason):
            result = "suppressed"
            line.info("mail_suppressed", reason=reason)
        case Unconfirmed():
            result = "unconfirmed"
            line.error("mail_unconfirmed")
        case Postponed(reason=reason, error=error):
            result = "postponed"
            line.warning("mail_postponed", reason=reason, error=error)
        case Rejected(reason=reason, error=error):
            result = "dead"
            line.error("mail_rejected", reason=reason, error=error)
        case Busy():
            result = "busy"
            line.info("mail_busy")
        case Held(reason=reason, error=error):
            result = "held"
            line.warning("mail_held", reason=reason, error=error)
        case PassedOn(error=error):
            result = "passed_on"
            line.warning("mail_passed_on", error=error)
        case Away(part=part, error=error):
            result = f"{part}_away"
            line.warning("mail_held", away=part, error=error)
        case HandedBack():
            result = "handed_back"
            line.info("mail_handed_back")
        case _:
            assert_never(delivery)
    mails_total.labels(template, result).inc()
