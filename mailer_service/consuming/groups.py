"""Consumer groups: made before the first read, and again whenever Redis forgot them."""

from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from mailer_service.consuming.lanes import Lane


async def ensure_groups(redis: "Redis", lane: Lane, *, lookback: timedelta) -> None:
    """Make the lane's groups where they are missing; twice is fine.

    The facts' group begins `lookback` ago by server time: at `$` what was published before the first start
    would be lost, at `0` a month of history would be read again.
    """
    seconds, _ = await redis.time()
    start_ms = max(0, int(seconds * 1000 - lookback.total_seconds() * 1000))
    for key in lane.read_keys:
        start = f"{start_ms}-0" if key == lane.facts else "0"
        try:
            await redis.xgroup_create(key, lane.group, id=start, mkstream=True)
        except ResponseError as fault:
            if "BUSYGROUP" not in str(fault):
                raise
