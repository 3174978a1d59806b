"""The grid of users that administrators look at, kept for as long as nothing in it changes."""

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from auth_service.flows.administration import UserPage, list_users
from auth_service.flows.copies import USERS
from auth_service.memory.cache import Cache
from auth_service.memory.cache_result import cache_result
from auth_service.memory.metrics import MemoryMetrics
from auth_service.model.users import Role, Status
from auth_service.storage.database import Database

GRID_LIFE: Final = timedelta(minutes=5)


class Grid(Protocol):
    """Lists up to `limit` users, newest first, those made before the user `before`."""

    def __call__(
        self,
        *,
        statuses: Sequence[Status],
        role: Role | None,
        containing: str | None,
        before: UUID | None,
        limit: int,
    ) -> Awaitable[UserPage]:
        """Give one page; `statuses` in one order, whoever asks, so that alike pages are kept once."""
        ...


def cached_grid(*, database: Database, cache: Cache, metrics: MemoryMetrics) -> Grid:
    """Make a grid whose pages are kept."""

    @cache_result(ttl=GRID_LIFE, model=USERS, name="grid", cache=cache, metrics=metrics)
    async def page_of_users(
        *,
        statuses: Sequence[Status],
        role: Role | None,
        containing: str | None,
        before: UUID | None,
        limit: int,
    ) -> UserPage:
        async with database.unit() as unit:
            return await list_users(
                statuses=statuses, role=role, containing=containing, before=before, limit=limit, unit=unit
            )

    return page_of_users
