"""Rows of challenges, decoys among them."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import FromClause, RowMapping, and_, delete, func, insert, literal, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from auth_service.model.budgets import Budget
from auth_service.model.challenges import ATTEMPTS_MAX, Challenge, Purpose
from auth_service.model.rules import Method
from auth_service.model.users import User
from auth_service.storage.budgets import counted, is_spent
from auth_service.storage.tables import budgets, challenges, links, users
from auth_service.storage.users import user_of

_COLUMNS: Final = tuple(field.name for field in fields(Challenge))

_IN_TIME: Final = and_(challenges.c.closed_at.is_(None), challenges.c.expires_at > func.now())
# A code is out of attempts at some time; a link beside it still opens the challenge.
_ATTEMPTS_LEFT: Final = challenges.c.attempts < ATTEMPTS_MAX
_LINKED: Final = challenges.c.method.in_(["magic_link", "otp_and_link"])
_OPEN: Final = and_(_IN_TIME, or_(_ATTEMPTS_LEFT, _LINKED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An open challenge, locked, whose mail is asked for again: by whom, if they are still somebody.

    `wait` is how long it is too soon, not above zero when it is not.
    """

    challenge: Challenge
    user: User | None
    spent: bool
    wait: timedelta


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
        address_hash: bytes,
        budget: Budget,
        locale: str,
        purpose: Purpose = "sign_in",
        proposed_name: str | None = None,
        proposed_locale: str | None = None,
        new_address: str | None = None,
        link_hash: bytes | None = None,
    ) -> Challenge:
        """Open a challenge that ends `life` from Postgres's now; `link_hash` is of a link that opens it."""
        added = insert(challenges).values(
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
            address_hash=address_hash,
            budget_hash=budget.key_hash,
            budget=budget.limit,
            locale=locale,
            new_address=new_address,
            expires_at=func.now() + literal(life),
        )
        return await self._write(added.returning(challenges), challenge_id, link_hash=link_hash)

    async def count_attempt(
        self, challenge_id: UUID, *, binding_hash: bytes, purpose: Purpose
    ) -> Challenge | None:
        """Count an attempt before it is judged, and lock the row until this transaction ends.

        None for a challenge that is unknown, another browser's, for something else, expired, spent or out of
        attempts: which of them, nobody learns. Whoever waits for the lock is judged by the row as it is then.
        """
        counted = await self._connection.execute(
            update(challenges)
            .where(
                challenges.c.id == challenge_id,
                challenges.c.binding_hash == binding_hash,
                challenges.c.purpose == purpose,
                _IN_TIME,
                _ATTEMPTS_LEFT,
            )
            .values(attempts=challenges.c.attempts + 1)
            .returning(challenges)
        )
        row = counted.mappings().one_or_none()
        return None if row is None else challenge_of(row)

    async def close(self, challenge_id: UUID) -> None:
        """Spend a challenge."""
        await self._connection.execute(
            update(challenges).where(challenges.c.id == challenge_id).values(closed_at=func.now())
        )

    async def is_open(self, challenge_id: UUID, *, binding_hash: bytes, pepper_ids: Collection[str]) -> bool:
        """Tell whether any answer could still be right, where it was asked for: a code or a link."""
        code_counts = and_(
            _ATTEMPTS_LEFT,
            not_(is_spent(budgets, limit=challenges.c.budget)),
            challenges.c.pepper_id.in_(pepper_ids),
        )
        found = await self._connection.execute(
            select(challenges.c.id)
            .outerjoin(budgets, counted(budgets, key_hash=challenges.c.budget_hash))
            .where(
                challenges.c.id == challenge_id,
                challenges.c.binding_hash == binding_hash,
                _IN_TIME,
                or_(code_counts, _LINKED),
            )
        )
        return found.scalar_one_or_none() is not None

    async def wait_for_mail(
        self, challenge_id: UUID, *, binding_hash: bytes, cooldown: timedelta
    ) -> Waiting | None:
        """Lock an open challenge whose mail is asked for again; None where there is none, or elsewhere."""
        found = await self._connection.execute(
            select(
                challenges,
                users,
                is_spent(budgets, limit=challenges.c.budget).label("budget_spent"),
                (challenges.c.mailed_at + literal(cooldown) - func.now()).label("wait"),
            )
            .outerjoin(users, users.c.id == challenges.c.user_id)
            .outerjoin(budgets, counted(budgets, key_hash=challenges.c.budget_hash))
            .where(challenges.c.id == challenge_id, challenges.c.binding_hash == binding_hash, _OPEN)
            .with_for_update(of=challenges)
        )
        row = found.mappings().one_or_none()
        if row is None:
            return None
        return Waiting(
            challenge=challenge_of(row),
            user=None if row[users.c.id] is None else user_of(row),
            spent=row["budget_spent"],
            wait=row["wait"],
        )

    async def mail_again(self, challenge_id: UUID, *, method: Method, link_hash: bytes | None) -> Challenge:
        """Note that a challenge's mail goes out once more, and what is in it this time."""
        mailed = (
            update(challenges)
            .where(challenges.c.id == challenge_id)
            .values(mailed_at=func.now(), method=method)
        )
        return await self._write(mailed.returning(challenges), challenge_id, link_hash=link_hash)

    async def _write(
        self,
        change: ReturningInsert[Any] | ReturningUpdate[Any],
        challenge_id: UUID,
        *,
        link_hash: bytes | None,
    ) -> Challenge:
        """Write a challenge, and with it one more link that opens it, in one statement."""
        if link_hash is None:
            return challenge_of((await self._connection.execute(change)).mappings().one())
        written = change.cte("written")
        linked = insert(links).values(token_hash=link_hash, challenge_id=challenge_id).cte("linked")
        found = await self._connection.execute(select(written).add_cte(linked))
        return challenge_of(found.mappings().one(), written)

    async def delete_all_of(self, user_id: UUID) -> None:
        """Remove every challenge that is about someone, and their links with them."""
        await self._connection.execute(delete(challenges).where(challenges.c.user_id == user_id))


def challenge_of(row: RowMapping, source: FromClause = challenges) -> Challenge:
    """Read a challenge from a row that has the columns of `source`, perhaps among others."""
    return Challenge(**{name: row[source.c[name]] for name in _COLUMNS})
