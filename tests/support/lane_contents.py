"""What a lane's keys hold, read in one go, for tests to compare."""

import json
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from mailer_service.consuming.lanes import Lane

Fields = dict[str, str]


@dataclass(frozen=True)
class LaneContents:
    """A lane at one moment: what waits, what is in whose hands, what is put off, what is dead."""

    waiting: dict[str, list[Fields]]
    """By key of a stream: the entries that nobody has read yet."""
    pending: dict[str, dict[str, str]]
    """By key of a stream: who holds which entry."""
    delayed: list[Fields]
    dead: list[Fields]
    retry: list[Fields]
    """All of the retry stream, read or not."""
    suspects: list[Fields]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to do."""
        return not (any(self.waiting.values()) or any(self.pending.values()) or self.delayed)


async def lane_contents(redis: "Redis", lane: Lane) -> LaneContents:
    """Read a lane; `redis` answers in bytes. Without a group, all entries wait."""
    waiting: dict[str, list[Fields]] = {}
    pending: dict[str, dict[str, str]] = {}
    for key in lane.read_keys:
        groups: Any = await redis.xinfo_groups(key) if await redis.exists(key) else []
        start = f"({groups[0]['last-delivered-id'].decode()}" if groups else "-"
        waiting[key] = [_text(fields) for _, fields in await raw_entries(redis, key, start)]
        held: Any = await redis.xpending_range(key, lane.group, "-", "+", 10_000) if groups else ()
        pending[key] = {item["message_id"].decode(): item["consumer"].decode() for item in held}
    delayed: Any = await redis.zrange(lane.delayed, 0, -1)
    return LaneContents(
        waiting=waiting,
        pending=pending,
        delayed=[_of_member(member) for member in delayed],
        dead=[_text(fields) for _, fields in await raw_entries(redis, lane.dead)],
        retry=[_text(fields) for _, fields in await raw_entries(redis, lane.retry)],
        suspects=[_text(fields) for _, fields in await raw_entries(redis, lane.suspects)],
    )


async def raw_entries(redis: "Redis", key: str, start: str = "-") -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Read a stream from `start` on."""
    found: Any = await redis.xrange(key, start, "+")  # redis-py types every protocol's shape at once
    return cast("list[tuple[bytes, dict[bytes, bytes]]]", found)


def _text(fields: dict[bytes, bytes]) -> Fields:
    return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}


def _of_member(member: bytes) -> Fields:
    flat = json.loads(member)
    return dict(zip(flat[::2], flat[1::2], strict=True))
