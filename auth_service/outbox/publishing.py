"""Write a batch of outbox rows to their streams."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.typing import EncodableT, FieldT

from auth_service.outbox.comparing import Entry
from auth_service.storage.outbox import OutboxRow
from contracts.codec import encode
from contracts.events import AnyEvent
from contracts.registry import UnknownType, UnknownVersion, event_class
from contracts.streams import Stream
from contracts.tracing import Span, span_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a batch: entry ids of what is on its stream, rows that are no events, and Redis's no."""

    entry_ids: Mapping[UUID, str]
    malformed: Mapping[UUID, str]
    refusal: RedisError | None

    def first_entries(self, rows: Iterable[OutboxRow]) -> dict[Stream, Entry]:
        """Tell, for each stream, the first entry of the batch that was made of `rows`."""
        found: dict[Stream, Entry] = {}
        for row in rows:
            if row.id in self.entry_ids:
                found.setdefault(event_class(row.type).stream, Entry(self.entry_ids[row.id], str(row.id)))
        return found


async def publish(rows: Iterable[OutboxRow], *, redis: Redis, redis_time: timedelta) -> Published:
    """Write rows in one pipeline, each for itself, and let their streams forget what is long over.

    `redis` must not retry by itself: a pipeline sent again would double every entry. Raises `RedisError` when
    the pipeline broke; then some rows may be on their streams and will be there again, with the same id.
    """
    events, malformed = [], {}
    for row in rows:
        try:
            events.append(assemble(row))
        except (UnknownType, UnknownVersion, ValidationError) as fault:
            malformed[row.id] = type(fault).__name__
    if not events:
        return Published(entry_ids={}, malformed=malformed, refusal=None)
    with told(events) as spans:
        async with redis.pipeline(transaction=False) as pipeline:
            for event, span in zip(events, spans, strict=True):
                traced = {"traceparent": span.traceparent} if span.traceparent else {}
                fields: dict[FieldT, EncodableT] = dict((encode(event) | traced).items())
                pipeline.xadd(
                    event.stream.key,
                    fields,
                    minid=oldest_kept(event.stream, redis_time=redis_time),
                    approximate=True,
                )
            answers = await pipeline.execute(raise_on_error=False)
        for span, answer in zip(spans, answers, strict=True):
            if isinstance(answer, Exception):
                span.fail(type(answer).__name__)
    entry_ids = {
        event.id: answer.decode() if isinstance(answer, bytes) else str(answer)
        for event, answer in zip(events, answers, strict=True)
        if not isinstance(answer, Exception)
    }
    refusals = (answer for answer in answers if isinstance(answer, RedisError))
    return Published(entry_ids=entry_ids, malformed=malformed, refusal=next(refusals, None))


@contextmanager
def told(events: Sequence[AnyEvent]) -> Iterator[Sequence[Span]]:
    """Tell of each event's publishing, in the trace of the request that made it.

    A pipeline carries events of many traces, so each has a span of its own, as long as the pipeline takes.
    """
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                span_after(
                    event.traceparent,
                    f"publish {event.stream.key}",
                    kind="producer",
                    attributes={
                        "messaging.system": "redis",
                        "messaging.operation.name": "publish",
                        "messaging.operation.type": "send",
                        "messaging.destination.name": event.stream.key,
                        "messaging.message.id": str(event.id),
                        "messaging.batch.message_count": len(events),
                        "cloudevents.event_type": event.type,
                    },
                )
            )
            for event in events
        ]


def assemble(row: OutboxRow) -> AnyEvent:
    """Make the event of a row. Raises `UnknownType`, `UnknownVersion` or `ValidationError`."""
    return event_class(row.type).model_validate(
        {
            "id": row.id,
            "subject": row.subject,
            "time": row.occurred_at,
            "sequence": str(row.sequence),
            "expirytime": row.expires_at,
            "traceparent": row.traceparent,
            "data": row.data,
        }
    )


def oldest_kept(stream: Stream, *, redis_time: timedelta) -> str:
    """Tell the smallest entry id that a stream still keeps, by Redis's own clock (time since 1970)."""
    return f"{max(0, int((redis_time - stream.kept) / timedelta(milliseconds=1)))}-0"
