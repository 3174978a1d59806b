"""The reader that stands in for FastStream's own loop; the one place with a private name of FastStream.

FastStream 0.7.8 stops a subscriber for good when its group is gone, sleeps 5 s on every connection fault, and
buffers entries that no middleware ever sees. Here its `_get_msgs` is replaced on the subscriber: wait at the
gate, read no more than there are free slots, and hand each entry to the public `subscriber.consume`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypedDict

import structlog
from faststream.redis.subscriber.usecases import StreamSubscriber
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from mailer_service.consuming.backoff import reconnect_delay
from mailer_service.consuming.entries import Entry, InHand
from mailer_service.consuming.gate import Gate
from mailer_service.consuming.groups import ensure_groups
from mailer_service.consuming.hands import Hands
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.life import Life
from mailer_service.consuming.transitions import Transitions

log = structlog.get_logger(__name__)

FORGOTTEN = ("NOGROUP", "UNBLOCKED")
"""How Redis says that a group is gone: at once, or (7.0) to a reader that was blocked on a deleted stream."""

READS_APART = timedelta(milliseconds=5)
"""After a read that found something, so that where much is going on a read finds more than one."""


class HandedMessage(TypedDict):
    """The raw message that FastStream carries to parser, middleware and handler."""

    type: str
    channel: str
    message_ids: list[bytes]
    data: dict[bytes, bytes]
    in_hand: InHand


class Reader:
    """Reads one lane into its hands, for as long as FastStream calls `turn`. Never raises, never spins.

    `redis` must not retry by itself: a reply lost on the way has delivered its entries to this consumer, and
    only `hand_back_strays` brings them back.
    """

    def __init__(
        self,
        lane: Lane,
        *,
        redis: "Redis",
        transitions: Transitions,
        hands: Hands,
        gate: Gate,
        alone: asyncio.Lock,
        life: Life,
        pace: Pace,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self.lane = lane
        self.hands = hands
        self._redis = redis
        self._transitions = transitions
        self._gate = gate
        self._alone = alone
        self._life = life
        self._pace = pace
        self._clock = clock
        self._chance = chance
        self._turned_at: float | None = None
        self._failures = 0
        self._strays = False
        self._looked_at = clock()
        self._read_again_at = float("-inf")
        self._subscriber: StreamSubscriber | None = None
        self.taking = asyncio.Lock()
        """Held while entries come into hand that pend under this name already: they are no strays."""
        self._between_reads = asyncio.Event()
        self._between_reads.set()

    @property
    def is_turning(self) -> bool:
        """Whether the loop has turned lately; waiting on the gate, on slots or on Redis counts as turning."""
        within = self._pace.turn_within.total_seconds()
        return self._turned_at is None or self._clock() - self._turned_at < within

    def watch(self) -> None:
        """Expect turns from now on."""
        self._turned_at = self._clock()

    def replace_loop_of(self, subscriber: StreamSubscriber) -> None:
        """Put this reader in place of a subscriber's loop. Raises `TypeError` where FastStream changed."""
        if not callable(getattr(subscriber, "_get_msgs", None)):
            raise TypeError(
                "this FastStream has no StreamSubscriber._get_msgs: pin the version named in pyproject"
            )
        self._subscriber = subscriber

        async def get_msgs(_read: object) -> None:
            await self.turn()

        # FastStream asks at each message, and copies the whole subscription to answer; nobody logs it.
        context = subscriber.get_log_context(None)

        def get_log_context(message: object) -> dict[str, str]:  # noqa: ARG001  # FastStream's own signature
            return context

        subscriber.get_log_context = get_log_context  # type: ignore[method-assign]
        subscriber._get_msgs = get_msgs  # type: ignore[assignment,method-assign]  # noqa: SLF001  # see the module's docstring

    async def turn(self) -> None:
        """Read once, or wait a bounded time for a reason not to."""
        self._turned_at = self._clock()
        try:
            if self._strays or self._looks_again():  # also while the gate is shut: others can have them
                await self.hand_back_strays()
            await self._read_and_begin()
        except (RedisError, OSError) as fault:
            await self._recover(fault)
        finally:
            self._between_reads.set()

    def hold(
        self, entry: Entry, work: Callable[[InHand], Coroutine[Any, Any, None]], *, asked_at: float
    ) -> InHand:
        """Keep an entry in hand while `work` on it runs, in a task of its own."""
        held = self.hands.take(entry, asked_at=asked_at)
        held.task = asyncio.create_task(work(held), name=f"{entry.key} {entry.id}")
        # Not in the task itself: one that is cancelled before its first step never comes to its `finally`.
        held.task.add_done_callback(lambda _: self._release(held))
        return held

    def expect_strays(self) -> None:
        """Note that something may pend under this name that is not in hand; the next turn hands it back."""
        self._strays = True

    async def come_to_rest(self) -> None:
        """Wait for the end of a read that is under way; with the gate shut, no other begins."""
        await self._between_reads.wait()

    async def hand_back_strays(self) -> None:
        """Hand back what pends under this consumer's name and is not in hand. Raises redis-py's errors."""
        async with self.taking:
            for key in self.lane.read_keys:
                count = await self._transitions.hand_back(self.lane, key, self.hands.ids(key), only=False)
                if count:
                    log.warning("strays_handed_back", stream=self.lane.name, entries=count)
        self._strays = False
        self._looked_at = self._clock()

    async def read_suspect(self) -> None:
        """Take one suspect, unless one is in hand already. Raises redis-py's errors."""
        is_started = self._subscriber is not None and self._subscriber.running
        if not is_started or self._gate.shut_by or not self._life.may_begin:
            return  # FastStream drops what a subscriber is given before it was started
        if self._alone.locked():  # one suspect in all lanes: a crash kills the process, and both were blamed
            return
        await self._alone.acquire()
        try:
            async with self.taking:
                asked_at = self._clock()
                suspects = _entries(
                    await self._redis.xreadgroup(
                        self.lane.group, self._transitions.consumer, {self.lane.suspects: ">"}, count=1
                    )
                )
                if self._gate.shut_by:  # while the reply was on its way: nothing begins any more
                    self._strays = self._strays or bool(suspects)
                    suspects = []
                for entry in suspects:
                    log.warning("suspect_taken", stream=self.lane.name, crashes=entry.crashes)
                    held = self.hold(entry, self._consume, asked_at=asked_at)
                    self._stay_alone_with(held)
        except BaseException:
            self._strays = True  # the lost reply may have delivered one
            self._alone.release()
            raise
        if not suspects:
            self._alone.release()

    def _stay_alone_with(self, held: InHand) -> None:
        if held.task is not None:
            held.task.add_done_callback(lambda _: self._alone.release())

    def _release(self, held: InHand) -> None:
        self.hands.release(held)
        if not held.settled:  # it still pends under this name
            self._strays = True

    def _looks_again(self) -> bool:
        """Whether to look for strays unasked: a Redis that forgot an acknowledgement may have told no read.

        It restarted, or gave way to its replica, while every slot was full and nothing was read.
        """
        return self._clock() - self._looked_at >= self._pace.silent_after.total_seconds()

    async def _may_read(self) -> bool:
        """Wait a bounded time for the gate and a free slot; the gate may be shut again by then."""
        is_open = await self._gate.wait(within=self._pace.block)
        if (early := self._read_again_at - self._clock()) > 0:
            await asyncio.sleep(early)
        return is_open and await self.hands.wait_free(within=self._pace.block) and not self._gate.shut_by

    async def _read_and_begin(self) -> None:
        if not await self._may_read():
            return
        self._between_reads.clear()
        if not self._life.may_begin:  # what it read now, it could only hand back
            await self._life.renew()
        asked_at = self._clock()
        entries = await self._read()
        if entries:
            self._read_again_at = asked_at + READS_APART.total_seconds()
        if entries and self._gate.shut_by:  # while the read was blocked: nothing begins any more
            await self.hand_back_strays()
            return
        if self._failures:
            log.info("reading_resumed", stream=self.lane.name, failures=self._failures)
            self._failures = 0
        for entry in entries:
            self.hold(entry, self._consume, asked_at=asked_at)

    async def _read(self) -> list[Entry]:
        # COUNT holds for each stream by itself: halved, both together fill the free slots, or one more.
        reply = await self._redis.xreadgroup(
            self.lane.group,
            self._transitions.consumer,
            {self.lane.retry: ">", self.lane.facts: ">"},
            count=(self.hands.free + 1) // 2,
            block=int(self._pace.block.total_seconds() * 1000),
        )
        return _entries(reply)

    async def _consume(self, held: InHand) -> None:
        assert self._subscriber is not None, "replace_loop_of comes before reading"  # noqa: S101  # a wiring mistake
        entry = held.entry
        message: HandedMessage = {
            "type": "stream",
            "channel": entry.key,
            "message_ids": [entry.id.encode()],
            "data": dict(entry.fields),
            "in_hand": held,
        }
        await self._subscriber.consume(message)

    async def _recover(self, fault: Exception) -> None:
        """Wait before the next turn. What the failed read may have delivered is handed back then."""
        self._failures += 1
        self._strays = True
        forgotten = isinstance(fault, ResponseError) and any(word in str(fault) for word in FORGOTTEN)
        if self._failures == 1:
            event = "group_lost" if forgotten else "reading_failed"
            log.warning(event, stream=self.lane.name, error=type(fault).__name__, detail=str(fault)[:200])
        if isinstance(fault, ReadOnlyError):  # a failover: the next connection finds the new master
            await self._redis.connection_pool.disconnect(inuse_connections=False)
        try:
            if self._failures > 1 or not forgotten:
                await asyncio.sleep(reconnect_delay(self._failures, chance=self._chance()))
            await ensure_groups(self._redis, self.lane, lookback=self._pace.lookback)
        except (RedisError, OSError):
            log.debug("groups_not_made", stream=self.lane.name)


def _entries(reply: Any) -> list[Entry]:  # noqa: ANN401  # redis-py types every protocol's shape at once
    return [
        Entry(key.decode(), id_.decode(), fields)
        for key, found in reply or ()
        for id_, fields in found
        if fields is not None  # an entry trimmed between delivery and reading
    ]
