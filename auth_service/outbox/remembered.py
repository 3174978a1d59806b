"""What Redis must still have: by this the relay notices that it forgot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth_service.outbox.comparing import Comparison, Entry, look_at
from contracts.streams import STREAMS, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look found: whether the server began anew, and the streams that lost what they had."""

    restarted: bool
    forgetful: tuple[Stream, ...]
    refusal: RedisError | None

    @property
    def is_loss(self) -> bool:
        """Whether anything may be lost."""
        return self.restarted or bool(self.forgetful)


class Remembered:
    """Remembers, for each stream, the newest entry seen at the last look and the first written since.

    FLUSHALL closes no connection and changes no `run_id`: that a remembered entry is gone is the only sign of
    it. The first written since the last look is remembered beside the newest seen, because a stream may have
    been empty then, or idle for so long that trimming took what was seen; the first rather than the last,
    because whoever forgets the first and keeps the last has forgotten in between.
    """

    def __init__(self) -> None:
        self._run_id: str | None = None
        self._seen: dict[Stream, Entry] = {}
        self._written: dict[Stream, Entry] = {}

    def note_written(self, entries: Mapping[Stream, Entry]) -> None:
        """Remember what was just written, where nothing was since the last look."""
        for stream, entry in entries.items():
            self._written.setdefault(stream, entry)

    async def look(self, *, redis: Redis) -> Finding:
        """Look whether all of it is still there, and remember what is there now. Raises `RedisError`."""
        expected = {stream: self._expected_of(stream) for stream in STREAMS}
        sight = await look_at(expected, redis=redis)
        finding = Finding(
            restarted=self._run_id not in {None, sight.run_id},
            forgetful=tuple(
                stream
                for stream, comparison in sight.streams.items()
                if is_forgetful(stream, comparison, redis_time=sight.redis_time)
            ),
            refusal=sight.refusal,
        )
        self._run_id = sight.run_id
        for stream, comparison in sight.streams.items():
            self._written.pop(stream, None)
            self._seen.pop(stream, None)
            if comparison.newest is not None:
                self._seen[stream] = comparison.newest
        return finding

    def _expected_of(self, stream: Stream) -> list[Entry]:
        return [entries[stream] for entries in (self._seen, self._written) if stream in entries]


TRIM_SLACK: Final = timedelta(minutes=5)
"""Nothing is expected of a stream in the last minutes of its keep time: relays trim while others look."""


def is_forgetful(stream: Stream, comparison: Comparison, *, redis_time: timedelta) -> bool:
    """Tell whether something is gone that trimming cannot have taken."""
    trimmed_before = redis_time - stream.kept + TRIM_SLACK
    return any(entry.written_at >= trimmed_before for entry in comparison.gone)
