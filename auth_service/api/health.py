"""Whether the service lives, and whether it can work."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_service.storage.faults import NotMigrated, PostgresAway

State = Literal["up", "away", "not migrated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Asks Postgres and Redis, and gives up on either after `patience`.

    Without Postgres nobody can sign in. Without Redis they can: mails wait in the outbox.
    """

    ask_postgres: Callable[[], Awaitable[object]]
    ask_redis: Callable[[], Awaitable[object]]
    patience: timedelta = timedelta(seconds=1)

    async def alive(self, _: Request) -> JSONResponse:
        """Answer while the process can."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _: Request) -> JSONResponse:
        """Tell `ready`, `degraded` (without Redis) or, with 503, `unready` (without Postgres or tables)."""
        postgres, redis = await asyncio.gather(self._state(self.ask_postgres), self._state(self.ask_redis))
        status = "unready" if postgres != "up" else "degraded" if redis == "away" else "ready"
        return JSONResponse(
            {"status": status, "postgres": postgres, "redis": redis},
            status_code=503 if status == "unready" else 200,
        )

    def routes(self) -> list[Route]:
        """Give the routes for probes."""
        return [Route("/healthz", self.alive), Route("/readyz", self.ready)]

    async def _state(self, ask: Callable[[], Awaitable[object]]) -> State:
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                await ask()
        except NotMigrated:
            return "not migrated"
        except (PostgresAway, RedisError, OSError):  # OSError: TimeoutError is one
            return "away"
        return "up"
