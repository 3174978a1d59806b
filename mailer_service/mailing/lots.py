"""Group commits: what many mails ask of Postgres at a time is one statement, and so one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic_core import to_json
from sqlalchemy import Row, TextClause
from sqlalchemy.exc import DBAPIError

from mailer_service.gathering import Gathering
from mailer_service.mailing.database import Database, PostgresAway

LOT_MOST: Final = 100

Values: TypeAlias = Mapping[str, Any]
Lots: TypeAlias = Gathering[Values, Row[Any] | None]


def lots(database: Database, statement: TextClause, constants: Values) -> Lots:
    """Gather the mails that are asked about by `statement`, which takes them as the JSON array `:mails`.

    Each has a `claim` of its own, and gets the row with that `claim`, or None. Asking raises `PostgresAway`,
    and what Postgres says to a mail that it cannot take; the others of its lot are asked about once more.
    """

    async def together(mails: Sequence[Values]) -> Sequence[Row[Any] | None]:
        given = to_json(mails).decode()
        rows = await database.rows(statement, {**constants, "mails": given})
        found = {row.claim: row for row in rows}
        return [found.get(mail["claim"]) for mail in mails]

    async def alone(mail: Values) -> Row[Any] | Exception | None:
        try:
            (row,) = await together([mail])
        except (DBAPIError, PostgresAway) as fault:
            return fault
        return row

    async def run(mails: Sequence[Values]) -> Sequence[Row[Any] | Exception | None]:
        try:
            return await together(mails)
        except DBAPIError:  # about one of them
            if len(mails) == 1:
                raise
            return [await alone(mail) for mail in mails]

    return Gathering(run, most=LOT_MOST)
