"""Why mail dies: all reasons that a dead letter can have, counted from zero so that the first one shows."""

from collections.abc import Iterable
from typing import Final

from contracts.codec import Undecodable
from contracts.registry import UnknownType, UnknownVersion
from mailer_service.consuming import metrics
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.messages import Misplaced
from mailer_service.mailing.mailbox import AddressUnusable

REASONS: Final = frozenset(
    {
        Undecodable.reason,
        UnknownType.reason,
        UnknownVersion.reason,
        Misplaced.reason,
        AddressUnusable.reason,
        "box_unopenable",
        "box_copied",
        "box_malformed",
        "nobody_to_mail",
        "unhandled",
        "handler_failed",
        "poisonous",
        "attempts_exhausted",
        "recipient_refused",
        "message_refused",
    }
)


def count_from_zero(lanes: Iterable[Lane]) -> None:
    """Begin each series of `mailer_dead_letters_total`: of one that begins at 1 Prometheus sees no growth."""
    for lane in lanes:
        for reason in REASONS:
            metrics.dead_letters_total.labels(lane.name, reason)
