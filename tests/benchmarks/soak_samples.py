"""What a soak looks at, from outside: memory, connections, what is in Redis, and whether it stays flat."""

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from redis.asyncio import Redis

from contracts.streams import STREAMS
from devstack.stack import Stack

WATCHED: Final = ("auth-1", "mailer-1")
"""Those that live through the whole soak."""
MEASURES: Final[Mapping[str, tuple[str, float, float]]] = {
    "auth-1 rss": ("MB", 0.10, 8.0),
    "mailer-1 rss": ("MB", 0.10, 8.0),
    "auth-1 files": ("", 0.0, 8.0),
    "mailer-1 files": ("", 0.0, 8.0),
    "redis clients": ("", 0.0, 8.0),
    "postgres backends": ("", 0.0, 4.0),
    "consumers": ("", 0.0, 3.0),
    "private entries": ("", 0.0, 20.0),
    "pending": ("", 0.0, 40.0),
    "outbox waiting": ("", 0.0, 40.0),
    "facts": ("", float("inf"), 0.0),
    "redis memory": ("MB", float("inf"), 0.0),
}
"""Its unit, and by how much the end may be above the beginning: a share of it, or so much. What has no bound
grows by design: facts stay for a day to a month, and Redis's memory with them."""
MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """All measures at one moment (monotonic seconds)."""

    at: float
    values: Mapping[str, float]


async def look(stack: Stack, redis: "Redis", database: "asyncpg.Connection[Any]") -> Sample:
    """Take one sample."""
    values: dict[str, float] = {}
    for name in WATCHED:
        pid = stack.process(name).pid
        values[f"{name} rss"] = _rss_bytes(pid) / MEGABYTE
        values[f"{name} files"] = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a look at /proc, which never waits
    info = await redis.info()
    values["redis clients"] = info["connected_clients"]
    values["redis memory"] = info["used_memory"] / MEGABYTE
    values["postgres backends"] = await database.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    )
    values["outbox waiting"] = await database.fetchval(
        "SELECT count(*) FROM auth.outbox WHERE published_at IS NULL"
    )
    values |= await _streams(redis)
    return Sample(time.monotonic(), values)


async def _streams(redis: "Redis") -> dict[str, float]:
    facts = private = pending = consumers = 0
    for stream in STREAMS:
        facts += await redis.xlen(stream.key)
        beside = [f"{stream.key}:mailer:{name}" for name in ("retry", "suspects")]
        private += sum([await redis.xlen(key) for key in beside])
        private += await redis.zcard(f"{stream.key}:mailer:delayed")
        for key in (stream.key, *beside):
            for group in await redis.xinfo_groups(key):
                pending += group["pending"]
                consumers = max(consumers, group["consumers"])
    return {"facts": facts, "private entries": private, "pending": pending, "consumers": consumers}


def _rss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory")


def verdict(samples: Sequence[Sample]) -> tuple[list[str], bool]:
    """Compare the last quarter with the second, after warming up; tell too whether all is flat."""
    quarter = max(1, len(samples) // 4)
    lines, flat = [], True
    for name, (unit, share, absolute) in MEASURES.items():
        begin = statistics.median(sample.values[name] for sample in samples[quarter : 2 * quarter])
        end = statistics.median(sample.values[name] for sample in samples[-quarter:])
        highest = max(sample.values[name] for sample in samples)
        bound = begin + max(begin * share, absolute)
        is_flat = end <= bound
        flat = flat and is_flat
        grows = "by design" if share == float("inf") else "flat" if is_flat else "GROWS"
        lines.append(f"  {name:<18} {begin:9.1f} -> {end:9.1f}  (most {highest:9.1f}) {unit:<2}  {grows}")
    return lines, flat
