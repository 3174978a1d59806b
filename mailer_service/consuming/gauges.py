"""What the streams look like at a scrape: lag, pending, delayed, dead, and the oldest unfinished."""

import json
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from mailer_service.consuming import metrics
from mailer_service.consuming.entries import Entry
from mailer_service.consuming.lanes import Lane
from mailer_service.consuming.transitions import source

DELAYED_LOOKED_AT: Final = 100
"""Of the retries that wait, the age of so many is looked at; those due first are seldom the youngest."""

UNREAD_MAX: Final = 10_000
"""Unread entries are counted up to here where Redis does not know their number."""


TOLD: Final = (
    metrics.lag,
    metrics.length,
    metrics.pending,
    metrics.delayed,
    metrics.dead_letters,
    metrics.oldest_unsent,
)


def forget(lane: Lane) -> None:
    """Tell nothing of the lane any more: what was seen at some other time would pass for what is."""
    for gauge in TOLD:
        gauge.remove(lane.name)


async def collect(redis: "Redis", lane: Lane) -> None:
    """Set the lane's gauges, all or none. Raises redis-py's errors; a missing group has nothing to show."""
    groups = {key: await _group(redis, lane, key) for key in lane.read_keys}
    seconds, micros = await redis.time()
    now_ms = seconds * 1000 + micros // 1000
    oldest = [
        first
        for key in lane.read_keys
        if (first := await _oldest_ms(redis, lane, key, groups[key])) is not None
    ]
    oldest += await _delayed_ms(redis, lane, now_ms)
    seen = {
        metrics.lag: sum([await _lag(redis, key, group) for key, group in groups.items()]),
        metrics.length: await redis.xlen(lane.facts),
        metrics.pending: sum(int(group.get("pending", 0)) for group in groups.values()),
        metrics.delayed: await redis.zcard(lane.delayed),
        metrics.dead_letters: await redis.xlen(lane.dead),
        metrics.oldest_unsent: max(0, now_ms - min(oldest)) / 1000 if oldest else 0,
    }
    for gauge, value in seen.items():
        gauge.labels(lane.name).set(value)


async def _group(redis: "Redis", lane: Lane, key: str) -> dict[str, Any]:
    try:
        groups = await redis.xinfo_groups(key)
    except ResponseError:
        return {}
    return next((group for group in groups if group["name"] == lane.group.encode()), {})


async def _lag(redis: "Redis", key: str, group: dict[str, Any]) -> int:
    """Count what the group has not read. Redis itself does not know it of a group begun within the stream."""
    if not group:
        return 0
    if group.get("lag") is not None:
        return int(group["lag"])
    return int(await redis.eval(source("unread"), 1, key, group["last-delivered-id"], UNREAD_MAX))


async def _oldest_ms(redis: "Redis", lane: Lane, key: str, group: dict[str, Any]) -> int | None:
    """When the oldest fact that is pending or not yet read was first on its stream."""
    if not group:
        return None
    found: list[Any] = []
    if group["pending"] and (first := (await redis.xpending(key, lane.group))["min"]):
        found += await redis.xrange(key, first, first) or ()
    found += await redis.xrange(key, b"(" + group["last-delivered-id"], "+", count=1) or ()
    return min((Entry(key, id_.decode(), fields).first_ms for id_, fields in found), default=None)


async def _delayed_ms(redis: "Redis", lane: Lane, now_ms: int) -> list[int]:
    """When the facts of some waiting retries were first on their stream."""
    members: Any = await redis.zrange(lane.delayed, 0, DELAYED_LOOKED_AT - 1)
    found = []
    for member in members:
        flat = [part.encode("latin-1") for part in json.loads(member.decode("latin-1"))]
        found.append(
            Entry(lane.delayed, f"{now_ms}-0", dict(zip(flat[::2], flat[1::2], strict=True))).first_ms
        )
    return found
