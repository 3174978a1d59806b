"""The caller's own account."""

from typing import Final

import structlog
from fastapi import APIRouter, Depends, Request, Response

from auth_service.api.bodies import UserBody
from auth_service.api.callers import TheCaller
from auth_service.api.door import TheDoor
from auth_service.api.identity import SignedIn, bearer, note_refused_use
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import Problem, documented
from auth_service.api.session_bodies import SelfSent
from auth_service.flows.changes import change
from auth_service.flows.deletions import delete_account

log = structlog.get_logger()

BEYOND: Final = frozenset({"role", "status", "email", "id"})
"""What one is, and does not say of oneself."""

router = APIRouter(prefix="/v1/me", tags=["oneself"], dependencies=[Depends(bearer)])


@router.get("", responses=documented("unauthenticated", "unavailable"))
async def get_me(identity: SignedIn) -> UserBody:
    """Tell who is signed in."""
    return UserBody.of(identity.user)


async def _nothing_beyond(request: Request, identity: SignedIn, door: TheDoor, caller: TheCaller) -> None:
    """Refuse, and note, whoever would give themselves what others decide about or a code has to prove."""
    try:
        sent = await request.json()
    except ValueError:
        return  # that is another's to answer
    beyond = sorted(BEYOND & sent.keys()) if isinstance(sent, dict) else []
    if beyond:
        await note_refused_use(
            request, door, caller, by=identity.user.id, reason="forbidden", field=",".join(beyond)
        )
        raise Problem(
            "forbidden",
            "Role and status are an administrator's to change; an address is changed at /v1/me/email.",
        )


@router.patch(
    "",
    dependencies=[OwnOrigin, Depends(_nothing_beyond)],
    responses=documented(
        *("invalid_json", "unauthenticated", "origin_refused", "forbidden", "body_too_large"),
        *("unsupported_media_type", "invalid_request", "unavailable"),
    ),
)
async def patch_me(sent: SelfSent, identity: SignedIn, door: TheDoor, caller: TheCaller) -> UserBody:
    """Change what you are called or which language your mails have.

    Whoever sends `role`, `status`, `email` or `id` is refused, and that they tried is noted.
    """
    async with door.database.unit(caller=caller, actor=identity.actor(door.rules)) as unit:
        user = await change(
            identity.user.id,
            name=sent.name,
            role=None,
            locale=sent.locale,
            by=identity.user.id,
            unit=unit,
        )
    log.info("account_changed", user_id=str(user.id), by=str(user.id))
    return UserBody.of(user)


@router.delete(
    "",
    status_code=204,
    dependencies=[OwnOrigin],
    responses=documented("unauthenticated", "origin_refused", "last_administrator", "unavailable"),
)
async def delete_me(response: Response, identity: SignedIn, door: TheDoor, caller: TheCaller) -> None:
    """Delete your account with all that is yours, at once and for good; a mail says so.

    The last administrator cannot: make someone else one first.
    """
    async with door.database.unit(caller=caller, actor=identity.actor(door.rules)) as unit:
        await delete_account(identity.user.id, by=identity.user.id, unit=unit, sealer=door.sealer)
    log.info("account_deleted", user_id=str(identity.user.id), by=str(identity.user.id))
    door.cookies.delete_session(response)
