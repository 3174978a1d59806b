"""Whether a part does its work yet."""

from typing import Final

import httpx

PATIENCE_SECONDS: Final = 2.0


async def pages_answer(client: httpx.AsyncClient, *urls: str) -> bool:
    """Tell whether each of these pages answers 200."""
    try:
        return all([(await client.get(url)).status_code == httpx.codes.OK for url in urls])
    except httpx.TransportError:
        return False


async def postgres_answers(url: str) -> bool:
    """Tell whether Postgres accepts a connection and a query."""
    import asyncpg  # noqa: PLC0415 - a tenth of a second that most commands need not wait

    try:
        connection = await asyncpg.connect(url, timeout=PATIENCE_SECONDS)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    try:
        return bool(await connection.fetchval("SELECT 1", timeout=PATIENCE_SECONDS) == 1)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    finally:
        await connection.close(timeout=PATIENCE_SECONDS)


async def redis_answers(url: str) -> bool:
    """Tell whether Redis answers a PING, which it refuses while it loads its data."""
    from redis.asyncio import Redis  # noqa: PLC0415 - as above
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    client = Redis.from_url(url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS)
    try:
        return bool(await client.ping())
    except (OSError, RedisError):
        return False
    finally:
        await client.aclose()
