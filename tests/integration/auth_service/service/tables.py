"""What is in the tables, to tell whether anything has changed."""

import hashlib
from collections.abc import Collection

import asyncpg

TRAIL = "audit_events"


async def contents(
    connection: asyncpg.Connection, *, but: Collection[str] = (TRAIL,)
) -> dict[str, tuple[int, str]]:
    """Sum up every table of the service by its rows and all that is in them, but for the relay's marks."""
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'auth' AND tablename <> ALL($1)", list(but)
    )
    assert tables
    return {name: await _sum(connection, name) for (name,) in tables}


async def _sum(connection: asyncpg.Connection, table: str) -> tuple[int, str]:
    rows = await connection.fetch(
        "SELECT md5((to_jsonb(t) - '{published_at,entry_id}'::text[])::text)"  # noqa: S608 - a name from the catalogue
        f' FROM auth."{table}" t ORDER BY 1'
    )
    return len(rows), hashlib.sha256("".join(row[0] for row in rows).encode()).hexdigest()


async def trail(connection: asyncpg.Connection, action: str, **by: object) -> list[asyncpg.Record]:
    """Give the entries of the audit trail about an action, oldest first; `by` names columns and values."""
    wanted = " ".join(f"AND {column} = ${number}" for number, column in enumerate(by, 2))
    return list(
        await connection.fetch(
            f"SELECT *, details::text AS told FROM auth.audit_events WHERE action = $1 {wanted} ORDER BY id",  # noqa: S608 - columns that tests name
            action,
            *by.values(),
        )
    )
