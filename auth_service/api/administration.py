"""What administrators see and change: who is there, what is noted of them, and what was done."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, StringConstraints

from auth_service.api import cursors
from auth_service.api.admin_bodies import AdminUserBody, AuditPageBody, ChangeSent, UserPageBody
from auth_service.api.cursors import Cursor
from auth_service.api.door import TheDoor
from auth_service.api.identity import Administrator, bearer
from auth_service.api.office import TheOffice
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import documented
from auth_service.flows.administration import list_audit_events
from auth_service.flows.changes import change
from auth_service.flows.deletions import delete_account
from auth_service.model.audit import Action
from auth_service.model.names import plain_text
from auth_service.model.users import Role, Status

router = APIRouter(prefix="/v1/admin", tags=["administration"], dependencies=[Depends(bearer)])

Searched = Annotated[
    str,
    StringConstraints(max_length=100),
    AfterValidator(plain_text),
    Query(description="Looked for in addresses and names, whatever its case."),
]
Statuses = Annotated[
    Sequence[Status],
    Query(max_length=len(Status), description="Only those whose status is this; repeated, one of these."),
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many to give at most.")]

_LISTING: Final = ("unauthenticated", "forbidden", "invalid_request", "unavailable")
_CHANGING: Final = (
    *("unauthenticated", "origin_refused", "forbidden", "user_not_found", "last_administrator"),
    *("invalid_request", "unavailable"),
)


@router.get("/users", responses=documented(*_LISTING))
async def get_users(
    door: TheDoor,
    _: Administrator,
    status: Statuses = (),
    role: Role | None = None,
    q: Searched | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> UserPageBody:
    """List users, newest first: all of them, or those who are alike in status, role, address or name."""
    page = await door.grid(
        statuses=sorted(set(status)), role=role, containing=q, before=cursors.read(cursor), limit=limit
    )
    return UserPageBody.of(page)


@router.patch(
    "/users/{user_id}",
    dependencies=[OwnOrigin],
    responses=documented(*_CHANGING, "invalid_json", "body_too_large", "unsupported_media_type"),
)
async def patch_user(user_id: UUID, sent: ChangeSent, office: TheOffice) -> AdminUserBody:
    """Change someone's name, role or language. A role counts from their next request on.

    The last administrator stays one.
    """
    return await office.do(
        "account_changed",
        lambda unit: change(
            user_id, name=sent.name, role=sent.role, locale=sent.locale, by=office.by, unit=unit
        ),
    )


@router.delete("/users/{user_id}", dependencies=[OwnOrigin], responses=documented(*_CHANGING))
async def delete_user(user_id: UUID, office: TheOffice) -> AdminUserBody:
    """Delete an account with all that is theirs, and tell them by mail; gives them as they were last.

    Repeated, nobody is found any more. The last administrator cannot be deleted.
    """
    return await office.do(
        "account_deleted",
        lambda unit: delete_account(user_id, by=office.by, unit=unit, sealer=office.sealer),
    )


@router.get("/audit-events", responses=documented(*_LISTING))
async def get_audit_events(
    door: TheDoor,
    _: Administrator,
    user_id: Annotated[
        UUID | None, Query(description="Only what this user did, or what was done to them.")
    ] = None,
    action: Action | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> AuditPageBody:
    """List what was done, or tried: by whom, to whom, when and whence; newest first."""
    async with door.database.unit() as unit:
        page = await list_audit_events(
            about=user_id, action=action, before=cursors.read(cursor), limit=limit, unit=unit
        )
    return AuditPageBody.of(page)
