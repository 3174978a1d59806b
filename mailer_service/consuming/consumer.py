"""A consumer: all lanes of one process, from the first sign of life to the last entry handed back."""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog
from faststream.redis.subscriber.usecases import StreamSubscriber
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mailer_service.consuming.backoff import reconnect_delay
from mailer_service.consuming.cancelling import pause
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.gate import Breaker, Gate
from mailer_service.consuming.groups import ensure_groups
from mailer_service.consuming.hands import Hands
from mailer_service.consuming.holding import HoldingSign
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.life import Life
from mailer_service.consuming.reading import Reader
from mailer_service.consuming.settling import DeathRegister, Settler, SettlingMiddleware
from mailer_service.consuming.transitions import Transitions
from mailer_service.consuming.upkeep import Upkeep

log = structlog.get_logger(__name__)

DRAIN = "drain"
HURRY_FOR = timedelta(seconds=5)
"""How long the last Redis calls of a shutdown may take."""


def new_consumer_name() -> str:
    """Name a consumer anew at each start, so that nothing pends under the name of an earlier life."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


class Consumer:
    """Wires readers, settlers and upkeep of all lanes around one consumer name.

    `reading` and `moving` are clients without automatic retry; a blocked read holds a connection of
    `reading`.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        name: str,
        reading: "Redis",
        moving: "Redis",
        register: DeathRegister,
        pace: Pace,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self.name = name
        self.pace = pace
        self.gate = Gate()
        self._lanes = lanes
        self._moving = moving
        self._clock = clock
        self._chance = chance
        self._breakers: dict[str, Breaker] = {}
        self._background: list[asyncio.Task[None]] = []
        self._hurrying = asyncio.Event()
        self.transitions = Transitions(moving, consumer=name, max_crashes=pace.max_crashes)
        self.life = Life(self.transitions, lanes=lanes, pace=pace, clock=clock)
        self._holding = HoldingSign(moving, lanes=lanes, awaited=self._awaited, pace=pace)
        self.readers: dict[str, Reader] = {}
        self._settlers: dict[str, Settler] = {}
        self._upkeep: list[Upkeep] = []
        alone = asyncio.Lock()
        for lane in lanes:
            reader = Reader(
                lane,
                redis=reading,
                transitions=self.transitions,
                hands=Hands(slots=lane.slots),
                gate=self.gate,
                alone=alone,
                life=self.life,
                pace=pace,
                clock=clock,
                chance=chance,
            )
            settler = Settler(
                lane,
                transitions=self.transitions,
                pace=pace,
                register=register,
                trip=self._trip,
                chance=chance,
            )
            self.readers[lane.name] = reader
            self._settlers.update(dict.fromkeys(lane.read_keys, settler))
            self._upkeep.append(
                Upkeep(
                    lane,
                    transitions=self.transitions,
                    reader=reader,
                    settler=settler,
                    life=self.life,
                    pace=pace,
                    clock=clock,
                )
            )

    @property
    def middleware(self) -> Callable[..., SettlingMiddleware]:
        """The outermost middleware for FastStream's broker."""
        return partial(SettlingMiddleware, settlers=self._settlers, max_attempts=self.pace.max_attempts)

    @property
    def is_alive(self) -> bool:
        """Liveness: every reader's loop has turned lately since `watch`, or shutdown is under way."""
        return DRAIN in self.gate.shut_by or all(reader.is_turning for reader in self.readers.values())

    def guard(self, part: str, *, probe: Callable[[], Awaitable[None]], gauge: Gauge) -> None:
        """Give a part that everything needs its breaker, which `gauge` shows."""
        self._breakers[part] = Breaker(
            part,
            probe=probe,
            gate=self.gate,
            gauge=gauge,
            every=self.pace.probe_every,
            clock=self._clock,
            chance=self._chance,
        )

    def attach(self, subscribers: Mapping[str, StreamSubscriber]) -> None:
        """Put each lane's reader in place of its subscriber's loop."""
        for name, subscriber in subscribers.items():
            self.readers[name].replace_loop_of(subscriber)

    def may_begin(self, held: InHand) -> bool:
        """Tell whether `begin` would give leave now."""
        in_hand_for = self._clock() - held.asked_at
        return (
            not self._hurrying.is_set()
            and self.life.may_begin
            and self.life.has_lasted_since(held.asked_at)
            and in_hand_for < self.pace.begin_before_stuck.total_seconds()
        )

    def begin(self, held: InHand) -> bool:
        """Ask leave for irrevocable work on an entry.

        Refused in a hurry, once the sign of life is old, and for an entry that others may have taken over
        meanwhile: from a life that broke since it was read, or because it has been in hand for too long.
        """
        if not self.may_begin(held):
            return False
        held.irrevocable = True
        return True

    async def prepare(self) -> None:
        """Make groups and give the first sign of life; waits for Redis as long as it takes."""
        failures = 0
        while True:
            try:
                for lane in self._lanes:
                    await ensure_groups(self._moving, lane, lookback=self.pace.lookback)
                await self.life.renew()
            except (RedisError, OSError) as fault:
                failures += 1
                if failures == 1:
                    log.warning("redis_awaited", error=type(fault).__name__)
                await pause(reconnect_delay(failures, chance=self._chance()))
            else:
                break
        self._background.append(asyncio.create_task(self.life.run(), name="life"))
        self._background.append(asyncio.create_task(self._holding.run(), name="holding"))
        self._background += [asyncio.create_task(upkeep.run(), name="upkeep") for upkeep in self._upkeep]

    def watch(self) -> None:
        """Expect the readers to turn, once the broker has started them."""
        for reader in self.readers.values():
            reader.watch()

    def hurry(self) -> None:
        """Shut down faster: what has not begun irrevocable work is handed back, the rest is answered."""
        self._hurrying.set()

    async def drain(self) -> None:
        """Finish what is in hand within the drain time, hand back the rest, and leave the living."""
        self.gate.shut(DRAIN)
        log.info("drain_started", in_hand=len(self._in_hand()))
        hurried = asyncio.create_task(self._hurrying.wait())
        try:
            async with asyncio.timeout(self.pace.drain_for.total_seconds()):
                while tasks := self._tasks():
                    await asyncio.wait([*tasks, hurried], return_when=asyncio.FIRST_COMPLETED)
                    if self._hurrying.is_set():
                        await self._let_go(within=self.pace.drain_for)
        except TimeoutError:
            log.warning("drain_cut_short", in_hand=len(self._in_hand()))
            self.hurry()
            await self._let_go(within=self.pace.drain_for)
        finally:
            hurried.cancel()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._let_go(within=HURRY_FOR)  # nothing, unless a round took something at the last moment
        for breaker in self._breakers.values():
            await breaker.close()
        await self._hand_back_everything()

    async def _let_go(self, *, within: timedelta) -> None:
        """Cancel what has not begun irrevocable work, and wait for the rest to be answered."""
        for held in self._in_hand():
            if not held.irrevocable and held.task is not None:
                held.task.cancel()
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=within.total_seconds())

    async def _hand_back_everything(self) -> None:
        try:
            async with asyncio.timeout(HURRY_FOR.total_seconds()):
                for reader in self.readers.values():
                    await reader.come_to_rest()
                    await reader.hand_back_strays()
                await self.life.leave()
        except (RedisError, OSError, TimeoutError) as fault:
            log.warning("hand_back_failed", error=type(fault).__name__)  # others reclaim it by its silence
        else:
            log.info("drain_finished")

    def _awaited(self) -> str | None:
        """Name a part whose breaker is open, if any is."""
        return next((part for part, breaker in self._breakers.items() if breaker.is_open), None)

    def _trip(self, part: str, error: str) -> None:
        self._breakers[part].trip(error)

    def _in_hand(self) -> list[InHand]:
        return [held for reader in self.readers.values() for held in reader.hands]

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [held.task for held in self._in_hand() if held.task is not None]
