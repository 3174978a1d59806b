"""Who is there: the session behind a token, and where else they are."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from auth_service.model.rules import LoginRules
from auth_service.model.sessions import Session
from auth_service.model.tokens import is_token, token_hash
from auth_service.storage.sessions import Found
from auth_service.storage.unit import UnitOfWork

SESSIONS_LISTED_MAX: Final = 200


async def current_session(token: str | None, *, unit: UnitOfWork, rules: LoginRules) -> Found | None:
    """Find who holds `token`; None when it opens nothing now.

    Its use is noted every 15 minutes at most, and four times within the time after which it would idle out.
    """
    if token is None or not is_token(token):
        return None
    found = await unit.sessions.find(token_hash(token), idle=rules.session_idle)
    return await _noted(found, unit=unit)


async def accessing_session(access: str | None, *, unit: UnitOfWork, rules: LoginRules) -> Found | None:
    """Find who comes to a protected application with `access`; that is use of their session, too."""
    if access is None or not is_token(access):
        return None
    found = await unit.sessions.find_by_access(token_hash(access), idle=rules.session_idle)
    return await _noted(found, unit=unit)


async def list_sessions(user_id: UUID, *, unit: UnitOfWork, rules: LoginRules) -> Sequence[Session]:
    """List where someone is signed in, newest first, the 200 newest at most."""
    return await unit.sessions.standing_of(user_id, idle=rules.session_idle, limit=SESSIONS_LISTED_MAX)


async def _noted(found: Found | None, *, unit: UnitOfWork) -> Found | None:
    if found is not None and found.stale:
        await unit.sessions.touch(found.session.id)
    return found
