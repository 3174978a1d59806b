"""One mail that always fails, through many hands."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import cast

import pytest_asyncio
from redis.asyncio import Redis

from mailer_service.consuming.groups import ensure_groups
from mailer_service.consuming.transitions import Transitions
from tests.chaos.events import a_code, publish
from tests.chaos.fleet import LANES, Entries, Fleet
from tests.chaos.form import FORM
from tests.chaos.reckoning import reckon
from tests.support.fault_smtp import Asked, Fault, Phase
from tests.support.waiting import until

LOGIN = LANES[0]
BACKOFF = FORM.backoff if FORM.name == "long" else (3.0, 4.0)
IDLE = timedelta(milliseconds=300)


class IdleHands:
    """Consumers that take an entry and do nothing with it, alive as they are, until others take it away."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._taken = 0
        self.reclaims = 0

    async def pass_around(self, times: int) -> None:
        """Take the one entry there is and have it reclaimed, so many times."""
        for _ in range(times):
            self._taken += 1
            idler = Transitions(self._redis, consumer=f"idle-{self._taken}", max_crashes=3)
            rescuer = Transitions(self._redis, consumer="rescuer", max_crashes=3)
            reply = await self._redis.xreadgroup(
                LOGIN.group, idler.consumer, {LOGIN.retry: ">", LOGIN.facts: ">"}, count=1
            )
            ((key, _),) = cast("list[tuple[bytes, object]]", reply)
            await asyncio.sleep(IDLE.total_seconds() * 1.1)
            await self._keep_alive(idler.consumer, rescuer.consumer)
            taken = await rescuer.reclaim(LOGIN, key.decode(), silent=IDLE, stuck=IDLE, start="-")
            assert taken.reasons == ("stuck",)
            self.reclaims += 1
        await self._redis.zrem(
            LOGIN.alive, *(f"idle-{number + 1}" for number in range(self._taken)), "rescuer"
        )

    async def _keep_alive(self, *consumers: str) -> None:
        """Date their signs of life ahead: no pause of this busy machine makes them look dead."""
        seconds, _ = await self._redis.time()
        await self._redis.zadd(LOGIN.alive, dict.fromkeys(consumers, seconds * 1000 + 60_000))
        await self._redis.expire(LOGIN.alive, 3600)

    async def promote(self) -> bool:
        """Let the entry come due."""
        return bool(await Transitions(self._redis, consumer="rescuer", max_crashes=3).promote(LOGIN, limit=1))


@pytest_asyncio.fixture
async def idle_hands(fleet: Fleet) -> AsyncIterator[IdleHands]:
    """Lend consumers of the test's own."""
    client: Redis = Redis.from_url(fleet.redis_url)
    await ensure_groups(client, LOGIN, lookback=timedelta(hours=24))
    yield IdleHands(client)
    await client.aclose()


async def test_a_failing_event_has_three_spaced_attempts_through_ten_reclaims_and_a_restart(
    fleet: Fleet, idle_hands: IdleHands, tell: Callable[[str], None]
) -> None:
    tried: list[float] = []

    def always_later(asked: Asked) -> Fault | None:
        if asked.phase is not Phase.RCPT:
            return None
        tried.append(time.monotonic())
        return Fault("451 4.3.0 Try again later")

    fleet.smtp.plan = always_later
    event = a_code("failing@example.org")
    await publish(fleet.redis, [event])
    await idle_hands.pass_around(5)

    mailer = fleet.add(environment={"MAILER_BACKOFF_LOGIN": ",".join(map(str, BACKOFF))})
    await mailer.start()
    await until(lambda: fleet.redis.zcard(LOGIN.delayed), within=20)
    await mailer.end()
    await until(idle_hands.promote, within=2 * BACKOFF[0])
    await idle_hands.pass_around(5)
    await mailer.start()
    await until(lambda: fleet.redis.xlen(LOGIN.dead), within=3 * BACKOFF[1])
    await fleet.quiet(within=10)

    account = await reckon(fleet, [event])
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    tell(account.line(f"{idle_hands.reclaims} reclaims, waits of {waits[0]:.1f} s and {waits[1]:.1f} s"))
    assert idle_hands.reclaims == 10
    assert [wait >= floor for wait, floor in zip(waits, BACKOFF, strict=True)] == [True, True]
    letters = cast("Entries", await fleet.redis.xrange(LOGIN.dead))
    assert [(letter["reason"], letter["attempts"]) for _, letter in letters] == [("attempts_exhausted", "3")]
    (delivery,) = await fleet.ledger.deliveries()
    assert (delivery.state, delivery.attempts) == ("dead", 3)
