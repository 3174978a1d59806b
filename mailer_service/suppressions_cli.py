"""`mailer-service suppressions`: which addresses bounced, and taking them off that record."""

import argparse
import json
import sys
from typing import Final

from mailer_service.mailing.database import Database
from mailer_service.mailing.records import PATIENCE
from mailer_service.mailing.suppressions import Suppressions, typed_address
from mailer_service.printing import counted, limit, plain, printable, table

COLUMNS: Final = "{address:<20} {bounces:>7}  {last_bounced_at:<20} {until:<20} {login_until:<20} {error}"


def add_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the commands."""
    parser = commands.add_parser("suppressions", help="look after addresses that mail came back from")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="one line an address, the latest bounce first")
    listing.add_argument("--address", type=typed_address, help="only this one")
    listing.add_argument("--limit", type=limit, default=50, help="at most so many, 50 by default")
    listing.add_argument("--addresses", action="store_true", help="tell addresses in full")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    lifting = actions.add_parser("lift", help="send to an address again, as if it had never bounced")
    lifting.add_argument("addresses", nargs="+", metavar="ADDRESS", help="an address, in full")


async def run(given: argparse.Namespace, sqlalchemy_url: str) -> int:
    """Run one of them. Returns the exit status: 1 where not all were there to lift. Raises `PostgresAway`."""
    database = Database(sqlalchemy_url, connections=1, patience=PATIENCE)
    try:
        if given.action == "list":
            return await _list(Suppressions(database), given)
        return await _lift(Suppressions(database), given)
    finally:
        await database.close()


async def _list(suppressions: Suppressions, given: argparse.Namespace) -> int:
    found = await suppressions.find(address=given.address, limit=given.limit + 1)
    told = [one.described(addresses=given.addresses) for one in found[: given.limit]]
    if given.json:
        for one in told:
            print(printable(json.dumps(plain(one), ensure_ascii=False)))
        return 0
    for line in table(COLUMNS, told):
        print(line)
    print(counted(len(told), "address", "addresses", limit=given.limit, more=len(found) > given.limit))
    return 0


async def _lift(suppressions: Suppressions, given: argparse.Namespace) -> int:
    lifted = missed = 0
    for written in dict.fromkeys(given.addresses):
        if await suppressions.lift(typed_address(written)):
            lifted += 1
        else:
            missed += 1
            print(printable(f"{written}: is not suppressed"), file=sys.stderr)
    print(f"lifted {lifted}")
    return 1 if missed else 0
