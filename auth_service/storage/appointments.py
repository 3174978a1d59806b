"""Rows of appointments: which addresses the operator's settings have made administrators of."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.storage.tables import appointments


class Appointments:
    """The appointments, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def note(self, email: str) -> bool:
        """Note that whoever has this address is appointed; False where that was done before.

        Of several at once one gets to do it, once the others have waited for its transaction.
        """
        noted = await self._connection.execute(
            insert(appointments).values(email=email).on_conflict_do_nothing()
        )
        return noted.rowcount == 1
