from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from mailer_service.mailing.deliveries import (
    AlreadyEnded,
    Away,
    Busy,
    Delivery,
    Expired,
    HandedBack,
    Postponed,
    Rejected,
    Sent,
    State,
    Suppressed,
    Unconfirmed,
)
from mailer_service.mailing.telling import tell
from tests.support.couriers import attempt, otp_requested

ENDINGS: list[tuple[Delivery, str, str]] = [
    (Sent(), "mail_sent", "sent"),
    (AlreadyEnded(State.SENT), "mail_already_ended", "already_ended"),
    (Expired(), "mail_expired", "expired"),
    (Suppressed("unknown_address"), "mail_suppressed", "suppressed"),
    (Unconfirmed(), "mail_unconfirmed", "unconfirmed"),
    (Postponed("timeout", "rcpt", timedelta(seconds=5)), "mail_postponed", "postponed"),
    (Rejected("message_refused", "550"), "mail_rejected", "dead"),
    (Busy(), "mail_busy", "busy"),
    (Away("smtp", "refused"), "mail_held", "smtp_away"),
    (Away("postgres", "refused"), "mail_held", "postgres_away"),
    (HandedBack(), "mail_handed_back", "handed_back"),
]


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(("delivery", "event", "result"), ENDINGS)
def test_each_ending_is_told_and_counted(delivery: Delivery, event: str, result: str) -> None:
    fact = otp_requested()
    before = sample("mailer_mails_total", template="otp_code", result=result)
    with capture_logs() as lines:
        tell(fact, attempt(number=2), delivery)
    (line,) = lines
    assert line["event"] == event
    assert (line["event_id"], line["template"], line["attempt"]) == (str(fact.id), "otp_code", 2)
    assert sample("mailer_mails_total", template="otp_code", result=result) == before + 1


def test_what_was_asked_for_again_counts_as_a_suppressed_duplicate() -> None:
    before = sample("mailer_duplicates_suppressed_total")
    tell(otp_requested(), attempt(), AlreadyEnded(State.SENT))
    tell(otp_requested(), attempt(), Sent())
    assert sample("mailer_duplicates_suppressed_total") == before + 1
