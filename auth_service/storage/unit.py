"""A unit of work: the stores of one transaction."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.actors import Actor
from auth_service.model.callers import NOBODY, Caller
from auth_service.storage.acquaintances import Acquaintances
from auth_service.storage.appointments import Appointments
from auth_service.storage.audit import AuditTrail
from auth_service.storage.budgets import Budgets
from auth_service.storage.challenges import Challenges
from auth_service.storage.devices import Devices
from auth_service.storage.leftovers import Leftovers
from auth_service.storage.links import Links
from auth_service.storage.outbox import Outbox
from auth_service.storage.sessions import Sessions
from auth_service.storage.standings import Standings
from auth_service.storage.touched import Touched
from auth_service.storage.users import Users


class UnitOfWork:
    """What a flow works on. All of it is committed together, or none of it; `caller` asked for it.

    `actor` is whose rights it takes, None where it takes nobody's.
    """

    def __init__(
        self, connection: AsyncConnection, *, caller: Caller = NOBODY, actor: Actor | None = None
    ) -> None:
        self._connection = connection
        self.caller = caller
        self.actor = actor
        self.touched = Touched()
        self.users = Users(connection, touched=self.touched)
        self.acquaintances = Acquaintances(connection)
        self.appointments = Appointments(connection)
        self.standings = Standings(connection, touched=self.touched)
        self.challenges = Challenges(connection)
        self.links = Links(connection)
        self.budgets = Budgets(connection)
        self.devices = Devices(connection)
        self.sessions = Sessions(connection, touched=self.touched)
        self.outbox = Outbox(connection, traceparent=caller.traceparent)
        self.audit = AuditTrail(connection, caller=caller)
        self.leftovers = Leftovers(connection, touched=self.touched)

    async def now(self) -> datetime:
        """Tell Postgres's time: when this transaction began."""
        return (await self._connection.execute(select(func.now()))).scalar_one()
