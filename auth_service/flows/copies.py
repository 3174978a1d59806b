"""Forgetting the copies of what has changed."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from auth_service.memory.cache import Cache
from auth_service.memory.cache_keys import list_bundle, user_bundle
from auth_service.storage.outbox import OutboxRow
from auth_service.storage.touched import Touched
from contracts.streams import ACCOUNTS, SESSIONS

USERS: Final = "users"
"""The model whose pages administrators look at."""


async def drop_copies(touched: Touched, *, cache: Cache) -> None:
    """Drop all that is kept of what was touched: whoever asks next asks Postgres. Raises nothing.

    Without Redis it is done when Redis is back, before anything is read there by this process.
    """
    bundles = [user_bundle(user_id) for user_id in touched.users]
    await cache.drop([*bundles, list_bundle(USERS)] if touched.lists else bundles)


async def drop_copies_told_of(rows: Iterable[OutboxRow], *, cache: Cache) -> None:
    """Drop what events tell a change of, once more: whoever made it may have died before they did."""
    touched = Touched()
    for row in rows:
        if row.subject is None or row.stream not in {ACCOUNTS.name, SESSIONS.name}:
            continue
        if row.stream == ACCOUNTS.name:
            touched.lists = True
        touched.users.add(UUID(row.subject))
    await drop_copies(touched, cache=cache)
