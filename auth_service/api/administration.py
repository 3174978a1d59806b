"""What administrators do."""

import base64
import binascii
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, StringConstraints

from auth_service.api.bodies import AdminUserBody, UserPageBody
from auth_service.api.callers import TheCaller
from auth_service.api.door import TheDoor
from auth_service.api.identity import Administrator, bearer
from auth_service.api.origins import OwnOrigin
from auth_service.api.problems import documented
from auth_service.flows.administration import approve, list_users
from auth_service.model.names import plain_text
from auth_service.model.users import Status

log = structlog.get_logger()
router = APIRouter(prefix="/v1/admin", tags=["administration"], dependencies=[Depends(bearer)])


def _cursor(user_id: UUID) -> str:
    """Write where a page begins; opaque, so that its meaning may change."""
    return base64.urlsafe_b64encode(user_id.bytes).rstrip(b"=").decode()


def _well_formed(cursor: str) -> str:
    _before(cursor)
    return cursor


def _before(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(f"{cursor}==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("must be the next_cursor of a page before") from None


Cursor = Annotated[str, AfterValidator(_well_formed)]
Searched = Annotated[str, StringConstraints(max_length=100), AfterValidator(plain_text)]


@router.get("/users", responses=documented("unauthenticated", "forbidden", "invalid_request", "unavailable"))
async def get_users(
    door: TheDoor,
    _: Administrator,
    status: Status | None = None,
    q: Searched | None = None,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> UserPageBody:
    """List users, newest first; `q` is looked for in addresses and names."""
    async with door.database.unit() as unit:
        page = await list_users(
            status=status,
            containing=q,
            before=None if cursor is None else _before(cursor),
            limit=limit,
            unit=unit,
        )
    return UserPageBody(
        users=[AdminUserBody.of(user) for user in page.users],
        next_cursor=None if page.next_before is None else _cursor(page.next_before),
    )


@router.post(
    "/users/{user_id}/approve",
    dependencies=[OwnOrigin],
    responses=documented(
        *("unauthenticated", "origin_refused", "forbidden", "user_not_found"),
        *("transition_not_allowed", "invalid_request", "unavailable"),
    ),
)
async def post_approval(
    user_id: UUID, caller: TheCaller, door: TheDoor, administrator: Administrator
) -> AdminUserBody:
    """Let someone in who waits or was rejected, and tell them by mail; repeating it changes nothing."""
    async with door.database.unit(caller=caller) as unit:
        user = await approve(user_id, by=administrator.user.id, unit=unit, sealer=door.sealer)
    log.info("account_approved", user_id=str(user.id), by=str(administrator.user.id))
    return AdminUserBody.of(user)
