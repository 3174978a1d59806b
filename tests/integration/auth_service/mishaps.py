"""What may become of Redis around a change, so that it never hears of it or forgets it."""

import secrets
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from redis.asyncio import Redis

from auth_service.memory.cache_keys import GENERATION
from tests.support import append_only
from tests.support.own_redis import OwnRedis
from tests.support.waiting import until

WITHIN = 20.0

Deed = Callable[[], Awaitable[object]]
Mishap = Callable[[OwnRedis, Deed], Awaitable[None]]


async def killed_meanwhile(own: OwnRedis, deed: Deed) -> None:
    """Make the change while Redis is dead; it comes back with all it had."""
    own.kill()
    await deed()
    own.start()


async def emptied(own: OwnRedis, deed: Deed) -> None:
    """Make it while Redis is dead, which comes back with nothing."""
    own.kill()
    await deed()
    append_only.take_away(own.folder)
    own.start()


async def cut(own: OwnRedis, deed: Deed) -> None:
    """Have Redis hear of the change, and then die and forget its last second, that change in it."""
    async with Redis.from_url(own.url) as redis:
        kept = await _bundles(redis)
        assert kept
        await _everything_written(redis, own)
        size = append_only.written(own.folder)
        await deed()
        # By whoever made the change, or else by the relay.
        await until(lambda: _dropped(kept, own, since=size), within=WITHIN)
    own.kill()
    append_only.cut_back(own.folder, to=size)
    assert {key for key in kept if append_only.holds(own.folder, key)} == kept, "it has them again"
    own.start()


async def stood_still(own: OwnRedis, deed: Deed) -> None:
    """Make it while Redis stands still; it goes on with all it had."""
    async with Redis.from_url(own.url) as redis:
        before = await redis.get(GENERATION)
        own.signal(signal.SIGSTOP)
        try:
            await deed()
        finally:
            own.signal(signal.SIGCONT)
        await until(partial(_is_another, redis, before), within=WITHIN)


async def refusing_writes(own: OwnRedis, deed: Deed) -> None:
    """Make it while Redis answers, but takes no writes; then it takes them again."""
    async with Redis.from_url(own.url) as redis:
        before = await redis.get(GENERATION)
        await redis.config_set("min-replicas-to-write", 1)
        try:
            await deed()
            assert await redis.get(GENERATION) == before, "nobody could drop anything"
        finally:
            await redis.config_set("min-replicas-to-write", 0)
        await until(partial(_is_another, redis, before), within=WITHIN)


MISHAPS: Sequence[Mishap] = (killed_meanwhile, emptied, cut, stood_still, refusing_writes)


async def _is_another(redis: "Redis", before: bytes | str | None) -> bool:
    """Tell whether a new generation has begun since.

    Where Redis stays the same, whoever made a change begins one when they have found it again; until then
    somebody who never missed it would take it at its word.
    """
    assert before is not None, "something was kept"
    return await redis.get(GENERATION) != before


async def _bundles(redis: Redis) -> set[str]:
    """Name all that is kept of somebody."""
    return {key.decode() async for key in redis.scan_iter("{auth.cache}:user:*")}


def _dropped(bundles: set[str], own: OwnRedis, *, since: int) -> bool:
    """Tell whether any of these was dropped after the first `since` bytes of the file."""
    lost = append_only.content(own.folder)[since:]
    return b"unlink" in lost.lower() and any(key.encode() in lost for key in bundles)


async def _everything_written(redis: "Redis", own: OwnRedis) -> None:
    """Wait until what warmed the caches is in the file: a mark is, that was set after it."""
    mark = secrets.token_hex(8)
    await redis.set(f"{{auth.cache}}:mark:{mark}", 1, px=1000)
    await until(lambda: append_only.holds(own.folder, mark), within=WITHIN)
