"""A unit of work: the stores of one transaction."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.storage.challenges import Challenges
from auth_service.storage.outbox import Outbox
from auth_service.storage.sessions import Sessions
from auth_service.storage.users import Users


class UnitOfWork:
    """What a flow works on. All of it is committed together, or none of it."""

    def __init__(self, connection: AsyncConnection, *, traceparent: str | None = None) -> None:
        self._connection = connection
        self.users = Users(connection)
        self.challenges = Challenges(connection)
        self.sessions = Sessions(connection)
        self.outbox = Outbox(connection, traceparent=traceparent)

    async def now(self) -> datetime:
        """Tell Postgres's time: when this transaction began."""
        return (await self._connection.execute(select(func.now()))).scalar_one()
