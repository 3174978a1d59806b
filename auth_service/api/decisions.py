"""What administrators decide about others: each deed is told by mail and noted in the audit trail."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends

from auth_service.api.admin_bodies import AdminUserBody, DecisionSent, InvitationSent
from auth_service.api.identity import bearer
from auth_service.api.office import TheOffice
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import documented
from auth_service.flows.decisions import approve, reinstate, reject, suspend
from auth_service.flows.invitations import invite

router = APIRouter(prefix="/v1/admin", tags=["administration"], dependencies=[Depends(bearer), OwnOrigin])

_DECIDING: Final = (
    *("unauthenticated", "origin_refused", "forbidden", "user_not_found", "transition_not_allowed"),
    *("invalid_request", "unavailable"),
)
_SENDING: Final = ("invalid_json", "body_too_large", "unsupported_media_type")


@router.post("/users/{user_id}/approve", responses=documented(*_DECIDING))
async def post_approval(user_id: UUID, office: TheOffice) -> AdminUserBody:
    """Let someone in who waits or was rejected, and tell them by mail; repeating it changes nothing."""
    return await office.do(
        "account_approved",
        lambda unit: approve(user_id, by=office.by, unit=unit, sealer=office.sealer),
    )


@router.post("/users/{user_id}/reject", responses=documented(*_DECIDING, *_SENDING))
async def post_rejection(user_id: UUID, office: TheOffice, sent: DecisionSent | None = None) -> AdminUserBody:
    """Keep out someone who waits, and tell them by mail, with the reason if there is one.

    Repeating it changes nothing. Who was rejected may still be approved.
    """
    return await office.do(
        "account_rejected",
        lambda unit: reject(user_id, reason=_reason(sent), by=office.by, unit=unit, sealer=office.sealer),
    )


@router.post("/users/{user_id}/suspend", responses=documented(*_DECIDING, "last_administrator", *_SENDING))
async def post_suspension(
    user_id: UUID, office: TheOffice, sent: DecisionSent | None = None
) -> AdminUserBody:
    """Shut someone out who is in: all their sessions end at once. They are told by mail.

    Repeating it changes nothing. The last administrator cannot be suspended.
    """
    return await office.do(
        "account_suspended",
        lambda unit: suspend(user_id, reason=_reason(sent), by=office.by, unit=unit, sealer=office.sealer),
    )


@router.post("/users/{user_id}/reinstate", responses=documented(*_DECIDING))
async def post_reinstatement(user_id: UUID, office: TheOffice) -> AdminUserBody:
    """Let someone in again who was suspended, and tell them by mail; repeating it changes nothing."""
    return await office.do(
        "account_reinstated",
        lambda unit: reinstate(user_id, by=office.by, unit=unit, sealer=office.sealer),
    )


@router.post(
    "/invitations",
    responses=documented(*(code for code in _DECIDING if code != "user_not_found"), *_SENDING),
)
async def post_invitation(sent: InvitationSent, office: TheOffice) -> AdminUserBody:
    """Invite someone by mail: their first code or link lets them in, and nobody need approve them.

    Who is invited or in already stays as they are and gets no second mail. For those who wait, or were
    rejected or suspended, there is a decision to take instead.
    """
    return await office.do(
        "account_invited",
        lambda unit: invite(
            sent.email,
            name=sent.name,
            role=sent.role,
            locale=sent.locale,
            by=office.administrator.user,
            unit=unit,
            sealer=office.sealer,
        ),
    )


def _reason(sent: DecisionSent | None) -> str | None:
    """Take the reason; blanks are none."""
    return (sent.reason or None) if sent is not None else None
