"""A look at how login mail gets on: what waits in the outbox, on the stream, and in the mailer's hands."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth_service.model.delivery import Delivery, delivery
from auth_service.storage.database import Database
from contracts.streams import LOGIN, Stream

GROUP: Final = "mailer"
LOOK_EVERY: Final = timedelta(seconds=1)
PATIENCE: Final = timedelta(milliseconds=50)


class DeliveryLook:
    """Looks at most once in `look_every`, however many ask; Redis is given up after `patience`.

    `clock` gives seconds from any beginning.
    """

    def __init__(
        self,
        *,
        database: Database,
        redis: Redis,
        clock: Callable[[], float],
        stream: Stream = LOGIN,
        look_every: timedelta = LOOK_EVERY,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._database = database
        self._redis = redis
        self._clock = clock
        self._stream = stream
        self._look_every = look_every.total_seconds()
        self._patience = patience.total_seconds()
        self._looking = asyncio.Lock()
        self._seen: Delivery = "on_its_way"
        self._look_at: float | None = None

    async def look(self) -> Delivery:
        """Tell whether a login mail that is asked for now arrives as usual. Raises `PostgresAway`."""
        async with self._looking:
            if self._look_at is None or self._clock() >= self._look_at:
                self._seen = await self._find_out()
                self._look_at = self._clock() + self._look_every
        return self._seen

    async def _find_out(self) -> Delivery:
        async with self._database.unit() as unit:
            unpublished = await unit.outbox.oldest_unpublished(self._stream.name)
        asking = asyncio.create_task(self._ask_redis(), name="delivery look")
        # Not asyncio.timeout: redis-py may swallow the cancellation, and go on waiting.
        await asyncio.wait({asking}, timeout=self._patience)
        if not asking.done():
            asking.add_done_callback(_forget)
            asking.cancel()
            return "delayed"
        try:
            held, on_stream = asking.result()
        except (RedisError, OSError):
            return "delayed"
        return delivery(held=held, waiting=[unpublished, *on_stream])

    async def _ask_redis(self) -> tuple[bool, list[timedelta]]:
        """Tell whether mail is held back, and how old the oldest entries are that are not done."""
        key = self._stream.key
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            pipeline.exists(self._stream.held_key)
            pipeline.xinfo_groups(key)
            pipeline.xpending_range(key, GROUP, min="-", max="+", count=1)
            time, held, groups, pending = await pipeline.execute(raise_on_error=False)
        for answer in (time, held):
            if isinstance(answer, RedisError):
                raise answer
        if isinstance(groups, RedisError):
            if "no such key" not in str(groups):
                raise groups
            return bool(held), []  # without a stream nothing waits on it
        # Without a group nothing is in anyone's hands.
        oldest = [entry["message_id"] for entry in pending] if isinstance(pending, list) else []
        unread = await self._redis.xrange(key, min=f"({_read_up_to(groups)}", count=1)
        oldest += [entry_id for entry_id, _ in unread or ()]
        now = timedelta(seconds=int(time[0]), microseconds=int(time[1]))
        return bool(held), [
            now - timedelta(milliseconds=int(_text(each).partition("-")[0])) for each in oldest
        ]


def _read_up_to(groups: list[Mapping[str, Any]]) -> str:
    """Tell the last entry that the mailer was given; before the mailer's first start it was none."""
    given = (_text(group["last-delivered-id"]) for group in groups if _text(group["name"]) == GROUP)
    return next(given, "0-0")


def _text(written: object) -> str:
    return written.decode() if isinstance(written, bytes) else str(written)


def _forget(late: "asyncio.Task[Any]") -> None:
    """Look at how an answer ended that nobody waits for any more, so that nothing complains about it."""
    if not late.cancelled():
        late.exception()
