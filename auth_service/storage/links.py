"""Rows of links: which token opens which challenge. They come with a challenge's mails, and die with it."""

from dataclasses import dataclass

from sqlalchemy import func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.model.challenges import Challenge
from auth_service.storage.challenges import challenge_of
from auth_service.storage.tables import challenges, links, users


@dataclass(frozen=True, slots=True)
class Found:
    """An open challenge that a link leads to, and the address that its account has now."""

    challenge: Challenge
    address: str


@dataclass(frozen=True, slots=True)
class Spent:
    """A challenge that a link has just closed, and whether it did so where it was asked for."""

    challenge: Challenge
    here: bool


class Links:
    """The links, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def spend(self, token_hash: bytes, *, binding_hash: bytes, elsewhere: bool) -> Spent | None:
        """Close the challenge that a link opens, if it is open and was asked for where `binding_hash` is.

        With `elsewhere` it may have been asked for anywhere. One statement that locks the row: of any number
        at once, codes among them, one gets it.
        """
        here = challenges.c.binding_hash == binding_hash
        spent = await self._connection.execute(
            update(challenges)
            .where(
                links.c.token_hash == token_hash,
                challenges.c.id == links.c.challenge_id,
                challenges.c.purpose == "sign_in",
                challenges.c.user_id.is_not(None),
                challenges.c.closed_at.is_(None),
                challenges.c.expires_at > func.now(),
                or_(here, literal(elsewhere)),
            )
            .values(closed_at=func.now())
            .returning(challenges, here.label("here"))
        )
        row = spent.mappings().one_or_none()
        return None if row is None else Spent(challenge_of(row), here=row["here"])

    async def find_open(self, token_hash: bytes) -> Found | None:
        """Find what a link would open, and whose it is; None where it opens nothing."""
        found = await self._connection.execute(
            select(challenges, users.c.email)
            .join_from(challenges, users, users.c.id == challenges.c.user_id)
            .join(links, links.c.challenge_id == challenges.c.id)
            .where(
                links.c.token_hash == token_hash,
                challenges.c.purpose == "sign_in",
                challenges.c.closed_at.is_(None),
                challenges.c.expires_at > func.now(),
            )
        )
        row = found.mappings().one_or_none()
        return None if row is None else Found(challenge_of(row), address=row[users.c.email])
