"""Ask Redis whether it still has what was written to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.streams import Stream


@dataclass(frozen=True, slots=True)
class Entry:
    """An event where it was written: its entry's id, and its own."""

    entry_id: str
    event_id: str

    @property
    def written_at(self) -> timedelta:
        """When it was written, by Redis's clock (time since 1970)."""
        return timedelta(milliseconds=int(self.entry_id.partition("-")[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a stream has: its newest entry, if any, and which of those asked about are gone."""

    newest: Entry | None
    gone: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look at Redis: which life of the server it is, its time, and each stream that could be asked."""

    run_id: str
    redis_time: timedelta
    streams: Mapping[Stream, Comparison]
    refusal: RedisError | None


async def look_at(expected: Mapping[Stream, Sequence[Entry]], *, redis: Redis) -> Sight:
    """Ask, in one pipeline, after entries of several streams. Raises `RedisError` when Redis does not answer.

    A stream that cannot be asked (its key is no stream) is left out, with Redis's words as `refusal`.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.time()
        pipeline.info("server")
        for stream, entries in expected.items():
            pairs = chain.from_iterable((entry.entry_id, entry.event_id) for entry in entries)
            # EVAL, not EVALSHA: a server that began anew has forgotten scripts as well.
            pipeline.eval(_compare(), 1, stream.key, *pairs)
        time, server, *answers = await pipeline.execute(raise_on_error=False)
    refusals = [answer for answer in (time, server, *answers) if isinstance(answer, RedisError)]
    if isinstance(time, RedisError) or isinstance(server, RedisError):
        raise refusals[0]
    seconds, microseconds = time
    return Sight(
        run_id=server["run_id"],
        redis_time=timedelta(seconds=int(seconds), microseconds=int(microseconds)),
        streams={
            stream: _comparison(answer, entries)
            for (stream, entries), answer in zip(expected.items(), answers, strict=True)
            if not isinstance(answer, RedisError)
        },
        refusal=next(iter(refusals), None),
    )


@cache
def _compare() -> str:
    return (files(__package__) / "scripts" / "compare.lua").read_text("utf-8")


def _comparison(answer: Sequence[Any], entries: Sequence[Entry]) -> Comparison:
    entry_id, event_id, *places = answer
    return Comparison(
        newest=Entry(_text(entry_id), _text(event_id)) if entry_id else None,
        gone=tuple(entries[int(place) - 1] for place in places),
    )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
