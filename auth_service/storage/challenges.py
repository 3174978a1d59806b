"""Rows of challenges, decoys among them."""

from dataclasses import fields
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, literal, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.challenges import ATTEMPTS_MAX, Challenge, Purpose
from auth_service.model.rules import Method
from auth_service.storage.tables import challenges

_COLUMNS: Final = tuple(field.name for field in fields(Challenge))


class Challenges:
    """The challenges, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        challenge_id: UUID,
        *,
        user_id: UUID | None,
        binding_hash: bytes,
        code_salt: bytes,
        pepper_id: str,
        digits: int,
        life: timedelta,
        method: Method,
        budget_hash: bytes,
        budget: int,
        locale: str,
        purpose: Purpose = "sign_in",
        proposed_name: str | None = None,
        proposed_locale: str | None = None,
        new_address: str | None = None,
    ) -> Challenge:
        """Open a challenge that ends `life` from Postgres's now."""
        added = await self._connection.execute(
            insert(challenges)
            .values(
                id=challenge_id,
                user_id=user_id,
                binding_hash=binding_hash,
                code_salt=code_salt,
                pepper_id=pepper_id,
                digits=digits,
                proposed_name=proposed_name,
                proposed_locale=proposed_locale,
                purpose=purpose,
                method=method,
                budget_hash=budget_hash,
                budget=budget,
                locale=locale,
                new_address=new_address,
                expires_at=func.now() + literal(life),
            )
            .returning(challenges)
        )
        return _challenge_of(added.mappings().one())

    async def count_attempt(self, challenge_id: UUID, *, binding_hash: bytes) -> Challenge | None:
        """Count an attempt before it is judged, and lock the row until this transaction ends.

        None for a challenge that is unknown, another browser's, expired, spent or out of attempts: which of
        them, nobody learns. Whoever waits for the lock is judged by the row as it is then.
        """
        counted = await self._connection.execute(
            update(challenges)
            .where(
                challenges.c.id == challenge_id,
                challenges.c.binding_hash == binding_hash,
                challenges.c.closed_at.is_(None),
                challenges.c.expires_at > func.now(),
                challenges.c.attempts < ATTEMPTS_MAX,
            )
            .values(attempts=challenges.c.attempts + 1)
            .returning(challenges)
        )
        row = counted.mappings().one_or_none()
        return None if row is None else _challenge_of(row)

    async def close(self, challenge_id: UUID) -> None:
        """Spend a challenge."""
        await self._connection.execute(
            update(challenges).where(challenges.c.id == challenge_id).values(closed_at=func.now())
        )

    async def delete_all_of(self, user_id: UUID) -> None:
        """Remove every challenge that is about someone, and their links with them."""
        await self._connection.execute(delete(challenges).where(challenges.c.user_id == user_id))


def _challenge_of(row: RowMapping) -> Challenge:
    return Challenge(**{name: row[challenges.c[name]] for name in _COLUMNS})
