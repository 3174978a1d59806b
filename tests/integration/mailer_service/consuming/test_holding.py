"""The sign in Redis that mail is held back: up while a breaker is open, gone after it, and never for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError
from structlog.testing import capture_logs

from contracts.events import LoginEvent
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.holding import HoldingSign
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.consuming.metrics import postgres_breaker_open, smtp_pause
from mailer_service.consuming.outcomes import Done, Outage, Outcome
from tests.support.consumers import BRISK, LANE, Desk, Running, plain_client, publish
from tests.support.own_redis import KINDS, own_redis
from tests.support.waiting import until

SIGN = LANE.stream.held_key


@dataclass
class Parts:
    """The parts that a consumer needs, and which of them are away."""

    away: set[str] = field(default_factory=set)

    async def probe_smtp(self) -> None:
        if "smtp" in self.away:
            raise ConnectionError

    async def probe_postgres(self) -> None:
        if "postgres" in self.away:
            raise ConnectionError

    async def decide(self, _event: LoginEvent, _held: InHand) -> Outcome:
        return Outage(next(iter(self.away)), "refused") if self.away else Done()


@asynccontextmanager
async def guarded(url: str, parts: Parts, desk: Desk) -> AsyncIterator[Running]:
    """Run a consumer whose breakers ask these parts."""
    consumer = Running(url, desk)
    consumer.consumer.guard("smtp", probe=parts.probe_smtp, gauge=smtp_pause)
    consumer.consumer.guard("postgres", probe=parts.probe_postgres, gauge=postgres_breaker_open)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@pytest.mark.parametrize("part", ["smtp", "postgres"])
async def test_while_a_part_is_away_the_sign_names_it_and_then_goes(
    redis_url: str, redis_client: Redis, part: str
) -> None:
    parts = Parts({part})
    desk = Desk(parts.decide)

    async def shown() -> str | None:
        value = await redis_client.get(SIGN)
        return None if value is None else str(value)

    async with guarded(redis_url, parts, desk) as consumer:
        await publish(consumer.moving)
        assert await until(shown, within=5) == part
        parts.away.clear()
        await until(lambda: desk.finished, within=5)

        async def is_gone() -> bool:
            return await shown() is None

        await until(is_gone, within=BRISK.silent_after.total_seconds() / 2)


async def test_the_sign_is_renewed_for_as_long_as_the_part_is_away(
    redis_url: str, redis_client: Redis
) -> None:
    parts = Parts({"smtp"})
    async with guarded(redis_url, parts, Desk(parts.decide)) as consumer:
        await publish(consumer.moving)
        for _ in range(3):

            async def is_fresh() -> bool:
                left = await redis_client.pttl(SIGN)
                return bool(left > BRISK.silent_after.total_seconds() * 900)

            async def has_aged() -> bool:
                return 0 < await redis_client.pttl(SIGN) <= BRISK.silent_after.total_seconds() * 980

            await until(is_fresh, within=5, every=0.001)
            await until(has_aged, within=5, every=0.001)
        parts.away.clear()


async def test_a_consumer_that_dies_leaves_a_sign_that_ends_by_itself(
    redis_url: str, redis_client: Redis
) -> None:
    parts = Parts({"smtp"})
    consumer = Running(redis_url, Desk(parts.decide))
    consumer.consumer.guard("smtp", probe=parts.probe_smtp, gauge=smtp_pause)
    await consumer.start()
    await publish(consumer.moving)

    async def is_up() -> bool:
        return bool(await redis_client.exists(SIGN))

    async def is_down() -> bool:
        return not await is_up()

    await until(is_up, within=5)
    await consumer.vanish()
    await consumer.consumer._breakers["smtp"].close()
    assert 0 < await redis_client.pttl(SIGN) <= BRISK.silent_after.total_seconds() * 1000
    await until(is_down, within=3 * BRISK.silent_after.total_seconds())


async def test_without_an_outage_there_is_no_sign_and_nothing_is_asked_of_redis(
    redis: Redis, lane: Lane
) -> None:
    await redis.set(lane.stream.held_key, "another mailer's", ex=60)
    sign = HoldingSign(redis, lanes=[lane], awaited=lambda: None, pace=Pace())

    await sign.renew()

    assert await redis.get(lane.stream.held_key) == b"another mailer's"


async def test_the_sign_lasts_ten_seconds_unless_it_is_renewed(redis: Redis, lane: Lane) -> None:
    sign = HoldingSign(redis, lanes=[lane], awaited=lambda: "smtp", pace=Pace())

    await sign.renew()

    assert timedelta(seconds=9) < timedelta(milliseconds=await redis.pttl(lane.stream.held_key))
    assert timedelta(milliseconds=await redis.pttl(lane.stream.held_key)) <= timedelta(seconds=10)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sign_is_up_again_when_redis_is_back(kind: str, tmp_path: Path) -> None:
    with own_redis(kind, tmp_path) as server, capture_logs() as lines:
        client = plain_client(server.url)
        sign = HoldingSign(client, lanes=[LANE], awaited=lambda: "smtp", pace=BRISK)
        renewing = asyncio.create_task(sign.run())

        def has_failed() -> bool:
            return any(line["event"] == "holding_sign_not_renewed" for line in lines)

        async def is_up() -> bool:
            async with Redis.from_url(server.url) as other:
                return bool(await other.exists(SIGN))

        await until(is_up, within=5)
        server.kill()
        await until(has_failed, within=5)
        await asyncio.to_thread(server.start)
        await until(is_up, within=5)
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await client.aclose()


async def test_a_sign_whose_reply_was_lost_is_taken_down_all_the_same(redis: Redis, lane: Lane) -> None:
    part: str | None = "smtp"
    sign = HoldingSign(redis, lanes=[lane], awaited=lambda: part, pace=Pace())
    refusing = _Refusing(redis)
    sign._redis = refusing  # type: ignore[assignment]  # passes the command on, and loses its reply
    with pytest.raises(ReadOnlyError):
        await sign.renew()
    assert await redis.get(lane.stream.held_key) == b"smtp"
    sign._redis = redis
    part = None

    await sign.renew()

    assert await redis.exists(lane.stream.held_key) == 0


class _Refusing:
    """A client that fails after the server has done what it was asked."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def set(self, key: str, value: str, **options: timedelta) -> None:
        """Set, and fail."""
        await self._redis.set(key, value, **options)  # type: ignore[arg-type]  # px alone
        raise ReadOnlyError
