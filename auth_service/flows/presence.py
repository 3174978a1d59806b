"""Who is there: the session behind a token, and its end."""

from auth_service.model.rules import LoginRules
from auth_service.model.tokens import is_token, token_hash
from auth_service.storage.sessions import Found
from auth_service.storage.unit import UnitOfWork


async def current_session(token: str | None, *, unit: UnitOfWork, rules: LoginRules) -> Found | None:
    """Find who holds `token`; None when it opens nothing now. Its use is noted every 15 minutes at most."""
    if token is None or not is_token(token):
        return None
    found = await unit.sessions.find(token_hash(token), idle=rules.session_idle)
    if found is not None and found.stale:
        await unit.sessions.touch(found.session.id)
    return found


async def sign_out(token: str, *, unit: UnitOfWork) -> bool:
    """End the session of `token` everywhere at once; False when there was none."""
    return await unit.sessions.end(token_hash(token))
