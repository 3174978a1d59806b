"""What every deed of an administrator has in common: a transaction in their name, a log line, an answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends

from auth_service.api.admin_bodies import AdminUserBody
from auth_service.api.callers import TheCaller
from auth_service.api.door import Door, TheDoor
from auth_service.api.identity import Administrator, Identity
from auth_service.model.callers import Caller
from auth_service.model.users import User
from auth_service.storage.unit import UnitOfWork
from contracts.sealing import Sealer

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Office:
    """An administrator, with what they do their deeds with."""

    administrator: Identity
    caller: Caller
    door: Door

    @property
    def by(self) -> UUID:
        """Name the administrator."""
        return self.administrator.user.id

    @property
    def sealer(self) -> Sealer:
        """Lend what seals the facts that are told."""
        return self.door.sealer

    async def do(self, told: str, deed: Callable[[UnitOfWork], Awaitable[User]]) -> AdminUserBody:
        """Do a deed in a transaction of its own, log it as `told`, and show whom it was about."""
        actor = self.administrator.actor(self.door.rules)
        async with self.door.database.unit(caller=self.caller, actor=actor) as unit:
            user = await deed(unit)
            decided_by_name = await unit.users.name_of(user.decided_by)
        log.info(told, user_id=str(user.id), by=str(self.by))
        return AdminUserBody.shown(user, decided_by_name=decided_by_name)


def _office(administrator: Administrator, caller: TheCaller, door: TheDoor) -> Office:
    return Office(administrator=administrator, caller=caller, door=door)


TheOffice = Annotated[Office, Depends(_office)]
"""For administrators alone; that anyone else tried is noted in the audit trail."""
