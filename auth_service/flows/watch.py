"""The watch at the door: who is there, known from the cache where it can be, else from Postgres."""

from datetime import timedelta
from typing import Final, Literal, assert_never

from pydantic import TypeAdapter

from auth_service.flows.presence import accessing_session, current_session
from auth_service.memory.cache import Cache
from auth_service.memory.cache_keys import USER_PREFIX, session_pointer, token_name, user_bundle
from auth_service.memory.metrics import MemoryMetrics
from auth_service.memory.reads import Loaded, Reads
from auth_service.model.rules import LoginRules
from auth_service.model.tokens import is_token, token_hash
from auth_service.storage.database import Database
from auth_service.storage.sessions import Found

Kind = Literal["session", "access"]

SESSION_LIFE: Final = timedelta(hours=24)
"""Whose session a token opens never changes; it is looked up again after a day all the same."""
USER_LIFE: Final = timedelta(minutes=30)
CHECKED_EVERY: Final = timedelta(seconds=60)
"""For so long a drop that never reached Redis can go unnoticed."""

_SHAPE: Final = TypeAdapter(Found)


class Watch:
    """Finds who holds a token. Raises `PostgresAway` where that must be asked and cannot be."""

    def __init__(
        self, *, database: Database, cache: Cache, rules: LoginRules, metrics: MemoryMetrics
    ) -> None:
        self._database = database
        self._cache = cache
        self._rules = rules
        self._reads = Reads(
            name="session",
            shape=_SHAPE,
            cache=cache,
            life=USER_LIFE,
            metrics=metrics,
            bundle_of=lambda found: user_bundle(found.user.id),
        )

    async def current(self, token: str | None) -> Found | None:
        """Find who is signed in with a session's token; None when it opens nothing now."""
        return await self._find("session", token)

    async def accessing(self, access: str | None) -> Found | None:
        """Find who comes to a protected application with its token."""
        return await self._find("access", access)

    async def close(self) -> None:
        """Wait for what is being looked up for nobody any more."""
        await self._reads.close()

    async def _find(self, kind: Kind, token: str | None) -> Found | None:
        if token is None or not is_token(token):
            return None
        name = token_name(kind, token_hash(token), secret=self._cache.secret)
        place = self._reads.place(session_pointer(name), name, prefix=USER_PREFIX)

        async def find() -> Loaded[str]:
            return await self._whose(kind, token)

        async def load() -> Loaded[Found]:
            return await self._load(kind, token)

        return await self._reads.read(place, load, find=find)

    async def _load(self, kind: Kind, token: str) -> Loaded[Found]:
        async with self._database.unit() as unit:
            match kind:
                case "session":
                    found = await current_session(token, unit=unit, rules=self._rules)
                case "access":
                    found = await accessing_session(token, unit=unit, rules=self._rules)
                case _:
                    assert_never(kind)
        return Loaded(found, fresh=timedelta(0) if found is None else min(found.holds, CHECKED_EVERY))

    async def _whose(self, kind: Kind, token: str) -> Loaded[str]:
        async with self._database.unit() as unit:
            match kind:
                case "session":
                    user_id = await unit.sessions.user_of(token_hash(token))
                case "access":
                    user_id = await unit.sessions.user_of_access(token_hash(token))
                case _:
                    assert_never(kind)
        return Loaded(None if user_id is None else str(user_id), fresh=SESSION_LIFE)
