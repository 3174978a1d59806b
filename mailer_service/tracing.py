"""The span of one entry in hand: each try at a mail is one, in the trace of the request that asked for it."""

from contextlib import AbstractContextManager

from contracts.events import AnyEvent
from contracts.tracing import Attributes, Span, is_told, span_after
from mailer_service.consuming.entries import Entry
from mailer_service.consuming.lanes import GROUP
from mailer_service.consuming.outcomes import DeadLetter, Done, Left, Outage, Outcome, RetryLater, Split


def told(event: AnyEvent, entry: Entry) -> AbstractContextManager[Span]:
    """Tell of the work at an entry, as a consequence of its event's publishing."""
    attributes: Attributes = {}
    if is_told():
        attributes = {
            "messaging.system": "redis",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": event.stream.key,
            "messaging.consumer.group.name": GROUP,
            "messaging.message.id": str(event.id),
            "cloudevents.event_type": event.type,
            "porter.key": entry.key,
            "porter.attempt": entry.attempt,
            "porter.recipient": entry.recipient or 0,
        }
    return span_after(
        event.traceparent, f"process {event.stream.key}", kind="consumer", attributes=attributes
    )


def note_outcome(outcome: Outcome, span: Span) -> None:
    """Note what happens to the entry; whatever is not the end of its work, or a bad one, is a failure."""
    span.note({"porter.outcome": type(outcome).__name__})
    match outcome:
        case RetryLater(reason=reason) | DeadLetter(reason=reason):
            span.fail(reason)
        case Outage(part=part):
            span.fail(f"{part}_away")
        case Done() | Split() | Left():
            pass
