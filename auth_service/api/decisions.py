"""What administrators decide about others: each deed is told by mail and noted in the audit trail."""

from typing import Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends

from auth_service.api.admin_bodies import AdminUserBody, DecisionSent, InvitationSent
from auth_service.api.callers import TheCaller
from auth_service.api.door import TheDoor
from auth_service.api.identity import Administrator, bearer
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import documented
from auth_service.flows.decisions import approve, reinstate, reject, suspend
from auth_service.flows.invitations import invite

log = structlog.get_logger()
router = APIRouter(prefix="/v1/admin", tags=["administration"], dependencies=[Depends(bearer), OwnOrigin])

_DECIDING: Final = (
    *("unauthenticated", "origin_refused", "forbidden", "user_not_found", "transition_not_allowed"),
    *("invalid_request", "unavailable"),
)
_SENDING: Final = ("invalid_json", "body_too_large", "unsupported_media_type")


@router.post("/users/{user_id}/approve", responses=documented(*_DECIDING))
async def post_approval(
    user_id: UUID, caller: TheCaller, door: TheDoor, administrator: Administrator
) -> AdminUserBody:
    """Let someone in who waits or was rejected, and tell them by mail; repeating it changes nothing."""
    by = administrator.user.id
    async with door.database.unit(caller=caller, actor=administrator.actor(door.rules)) as unit:
        user = await approve(user_id, by=by, unit=unit, sealer=door.sealer)
        decided_by_name = await unit.users.name_of(user.decided_by)
    log.info("account_approved", user_id=str(user.id), by=str(by))
    return AdminUserBody.shown(user, decided_by_name=decided_by_name)


@router.post("/users/{user_id}/reject", responses=documented(*_DECIDING, *_SENDING))
async def post_rejection(
    user_id: UUID,
    caller: TheCaller,
    door: TheDoor,
    administrator: Administrator,
    sent: DecisionSent | None = None,
) -> AdminUserBody:
    """Keep out someone who waits, and tell them by mail, with the reason if there is one.

    Repeating it changes nothing. Who was rejected may still be approved.
    """
    by, reason = administrator.user.id, _reason(sent)
    async with door.database.unit(caller=caller, actor=administrator.actor(door.rules)) as unit:
        user = await reject(user_id, reason=reason, by=by, unit=unit, sealer=door.sealer)
        decided_by_name = await unit.users.name_of(user.decided_by)
    log.info("account_rejected", user_id=str(user.id), by=str(by))
    return AdminUserBody.shown(user, decided_by_name=decided_by_name)


@router.post("/users/{user_id}/suspend", responses=documented(*_DECIDING, "last_administrator", *_SENDING))
async def post_suspension(
    user_id: UUID,
    caller: TheCaller,
    door: TheDoor,
    administrator: Administrator,
    sent: DecisionSent | None = None,
) -> AdminUserBody:
    """Shut someone out who is in: all their sessions end at once. They are told by mail.

    Repeating it changes nothing. The last administrator cannot be suspended.
    """
    by, reason = administrator.user.id, _reason(sent)
    async with door.database.unit(caller=caller, actor=administrator.actor(door.rules)) as unit:
        user = await suspend(user_id, reason=reason, by=by, unit=unit, sealer=door.sealer)
        decided_by_name = await unit.users.name_of(user.decided_by)
    log.info("account_suspended", user_id=str(user.id), by=str(by))
    return AdminUserBody.shown(user, decided_by_name=decided_by_name)


@router.post("/users/{user_id}/reinstate", responses=documented(*_DECIDING))
async def post_reinstatement(
    user_id: UUID, caller: TheCaller, door: TheDoor, administrator: Administrator
) -> AdminUserBody:
    """Let someone in again who was suspended, and tell them by mail; repeating it changes nothing."""
    by = administrator.user.id
    async with door.database.unit(caller=caller, actor=administrator.actor(door.rules)) as unit:
        user = await reinstate(user_id, by=by, unit=unit, sealer=door.sealer)
        decided_by_name = await unit.users.name_of(user.decided_by)
    log.info("account_reinstated", user_id=str(user.id), by=str(by))
    return AdminUserBody.shown(user, decided_by_name=decided_by_name)


@router.post(
    "/invitations",
    responses=documented(*(code for code in _DECIDING if code != "user_not_found"), *_SENDING),
)
async def post_invitation(
    sent: InvitationSent, caller: TheCaller, door: TheDoor, administrator: Administrator
) -> AdminUserBody:
    """Invite someone by mail: their first code or link lets them in, and nobody need approve them.

    Who is invited or in already stays as they are and gets no second mail. For those who wait, or were
    rejected or suspended, there is a decision to take instead.
    """
    async with door.database.unit(caller=caller, actor=administrator.actor(door.rules)) as unit:
        user = await invite(
            sent.email,
            name=sent.name,
            role=sent.role,
            locale=sent.locale,
            by=administrator.user,
            unit=unit,
            sealer=door.sealer,
        )
        decided_by_name = await unit.users.name_of(user.decided_by)
    log.info("account_invited", user_id=str(user.id), by=str(administrator.user.id))
    return AdminUserBody.shown(user, decided_by_name=decided_by_name)


def _reason(sent: DecisionSent | None) -> str | None:
    """Take the reason; blanks are none."""
    return (sent.reason or None) if sent is not None else None
