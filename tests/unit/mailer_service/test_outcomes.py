"""What became of a mail decides what happens to its entry."""

from datetime import timedelta

import pytest

from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater
from mailer_service.mailing import deliveries
from mailer_service.mailing.deliveries import Delivery, State
from mailer_service.wiring import outcome_of


@pytest.mark.parametrize(
    ("delivery", "outcome"),
    [
        (deliveries.Sent(), Done()),
        (deliveries.AlreadyEnded(State.SENT), Done()),
        (deliveries.Expired(), Done()),
        (deliveries.Suppressed("bounced"), Done()),
        (deliveries.Unconfirmed(), Done()),
        (
            deliveries.Postponed("greylisted", "451", timedelta(seconds=60)),
            RetryLater("greylisted", "451", timedelta(seconds=60)),
        ),
        (deliveries.Busy(), RetryLater("busy", spends=False)),
        (deliveries.Rejected("message_refused", "550"), DeadLetter("message_refused", "550")),
        (deliveries.Away("smtp", "refused"), Outage("smtp", "refused")),
        (
            deliveries.Held("rate_spent", "no turn", timedelta(seconds=7)),
            RetryLater("rate_spent", "no turn", timedelta(seconds=7), spends=False),
        ),
        (deliveries.PassedOn("refused"), Left("passed_on")),
        (deliveries.HandedBack(), Left("not_begun")),
    ],
)
def test_every_delivery_has_its_outcome(delivery: Delivery, outcome: Outcome) -> None:
    assert outcome_of(delivery) == outcome
