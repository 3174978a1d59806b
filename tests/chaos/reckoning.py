"""The account at the end of a scenario: what was asked for, what arrived, what the ledger says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.events import AnyEvent
from tests.chaos.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Reckoning:
    """`accepted` counts by recipient what the SMTP server took responsibility for."""

    events: int
    accepted: Counter[str]
    states: Counter[str]
    unrecorded: int
    """Events of which the ledger has no row."""
    excused: Counter[str]
    """How often a recipient's DATA was under way when its mailer was interrupted."""
    recovery_seconds: float
    """The longest time from an interruption until a mail that was in hand then had its ending."""
    suspects: int
    """How many mails were in hand at more than one interruption: these are read one at a time afterwards."""
    suspects_seconds: float
    """The longest time from the last interruption of such a mail until its ending."""

    @property
    def doubled(self) -> dict[str, int]:
        """Who got copies that no interruption explains, and how many."""
        return {
            recipient: count - 1 - self.excused[recipient]
            for recipient, count in self.accepted.items()
            if count - 1 > self.excused[recipient]
        }

    @property
    def copies(self) -> int:
        """How many mails were accepted beyond one for each recipient."""
        return self.accepted.total() - len(self.accepted)

    def line(self, scenario: str, *, recovery: float | None = None) -> str:
        """Tell it in one line; `recovery` is what the scenario itself measured, in seconds."""
        seconds = self.recovery_seconds if recovery is None else recovery
        suspects = f" suspects={self.suspects} in {self.suspects_seconds:.1f}s" if self.suspects else ""
        return (
            f"{scenario:<44} events={self.events} mails={len(self.accepted)} copies={self.copies} "
            f"under_way={self.excused.total()} dead={self.states['dead']} expired={self.states['expired']} "
            f"recovery={seconds:.1f}s{suspects}"
        )


async def reckon(fleet: Fleet, events: Sequence[AnyEvent]) -> Reckoning:
    """Make the account."""
    deliveries = await fleet.ledger.deliveries()
    ended = {delivery.event_id: delivery.ended_at for delivery in deliveries if delivery.ended_at is not None}
    hits = Counter(event_id for interruption in fleet.interruptions for event_id in interruption.pending)
    last = {
        event_id: interruption.at for interruption in fleet.interruptions for event_id in interruption.pending
    }
    waits = {
        event_id: (ended[event_id] - at).total_seconds() for event_id, at in last.items() if event_id in ended
    }
    known: set[UUID] = {delivery.event_id for delivery in deliveries}
    return Reckoning(
        events=len(events),
        accepted=Counter(mail.recipient for mail in fleet.smtp.accepted),
        states=Counter(delivery.state for delivery in deliveries),
        unrecorded=len({event.id for event in events} - known),
        excused=Counter(
            recipient for interruption in fleet.interruptions for recipient in interruption.under_way
        ),
        recovery_seconds=max((wait for event_id, wait in waits.items() if hits[event_id] == 1), default=0.0),
        suspects=sum(hits[event_id] > 1 for event_id in waits),
        suspects_seconds=max((wait for event_id, wait in waits.items() if hits[event_id] > 1), default=0.0),
    )


def assert_each_sent(account: Reckoning, *, dead: int = 0, expired: int = 0) -> None:
    """Hold the promise: nothing lost, nothing doubled without cause, and the ledger says the same.

    A dead mail may have arrived as well, where its mailer was killed with the DATA under way.
    """
    sent = account.events - dead - expired
    wanted = Counter({"sent": sent, "dead": dead, "expired": expired})
    assert account.states == wanted
    assert account.unrecorded == 0
    assert sent <= len(account.accepted) <= sent + min(dead, account.excused.total())
    assert account.doubled == {}
