"""Group commits: what many mails ask of Postgres at a time is one statement, and so one transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import Row, TextClause
from sqlalchemy.exc import DBAPIError

from mailer_service.gathering import Gathering
from mailer_service.mailing.database import Database, PostgresAway

LOT_MOST: Final = 100

ABOUT_ONE: Final = (DBAPIError, PydanticSerializationError)
"""What is wrong with one of a lot: Postgres cannot take its values, or they cannot be written."""

Values: TypeAlias = Mapping[str, Any]
Lots: TypeAlias = Gathering[Values, Row[Any] | None]


def lots(database: Database, statement: TextClause, constants: Values) -> Lots:
    """Gather the mails that are asked about by `statement`, which takes them as the JSON array `:mails`.

    Each has a `claim` of its own, and gets the row with that `claim`, or None. Asking raises `PostgresAway`,
    and what is wrong with a mail that cannot be asked about. Where it is one of a lot, or its row is locked,
    the others of the lot are asked about once more, each by itself.
    """

    async def together(mails: Sequence[Values]) -> Sequence[Row[Any] | None]:
        given = to_json(mails).decode()
        rows = await database.rows(statement, {**constants, "mails": given})
        found = {row.claim: row for row in rows}
        return [found.get(mail["claim"]) for mail in mails]

    async def alone(mail: Values) -> Row[Any] | Exception | None:
        try:
            (row,) = await together([mail])
        except (*ABOUT_ONE, PostgresAway) as fault:
            return fault
        return row

    async def run(mails: Sequence[Values]) -> Sequence[Row[Any] | Exception | None]:
        try:
            return await together(mails)
        except ABOUT_ONE:
            if len(mails) == 1:
                raise
        except PostgresAway as away:
            if len(mails) == 1 or not away.found_it_locked:
                raise
        return await asyncio.gather(*map(alone, mails))

    return Gathering(run, most=LOT_MOST)
