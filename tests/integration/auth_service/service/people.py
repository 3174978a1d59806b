"""People who are signed in already, many at once: rows, as sign-ins would have left them."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from auth_service.model.tokens import new_token, token_hash
from contracts.identifiers import new_id


@dataclass(frozen=True)
class Person:
    """Somebody with an account and, if they are active, a session."""

    id: UUID
    email: str
    session_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Give what their program sends."""
        return {"Authorization": f"Bearer {self.token}"}


async def settle(
    connection: asyncpg.Connection, count: int, *, role: str = "member", status: str = "active"
) -> list[Person]:
    """Make `count` people of this role and status, each with a session of its own."""
    people = [_someone(role) for _ in range(count)]
    await connection.executemany(
        "INSERT INTO auth.users (id, email, name, locale, role, status, version)"
        " VALUES ($1, $2, $3, 'en', $4, $5, 1)",
        [(each.id, each.email, f"A {role}", role, status) for each in people],
    )
    await connection.executemany(
        "INSERT INTO auth.sessions (id, user_id, token_hash, method, device, expires_at)"
        " VALUES ($1, $2, $3, 'otp', 'Firefox on Linux', now() + interval '1 day')",
        [(each.session_id, each.id, token_hash(each.token)) for each in people],
    )
    return people


def one_after_the_other(people: list[Person]) -> Iterator[Person]:
    """Send each forward once: whatever they end or delete, the next comes with a session that stands."""
    yield from people
    raise AssertionError(f"all {len(people)} have had their turn: settle more of them")


def _someone(role: str) -> Person:
    user_id = new_id()
    return Person(
        id=user_id, email=f"{role}-{user_id.hex}@example.org", session_id=new_id(), token=new_token()
    )
