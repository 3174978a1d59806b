"""`mailer-service deliveries`: what became of which mail, when, and what its provider said."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from contracts.streams import STREAMS
from mailer_service.ages import age
from mailer_service.mailing.database import Database
from mailer_service.mailing.deliveries import State
from mailer_service.mailing.records import PATIENCE, Criteria, Record, Records
from mailer_service.mailing.suppressions import typed_address
from mailer_service.printing import counted, limit, plain, printable, table

COLUMNS: Final = (
    "{at:<20} {event:<36} {mail:<19} {state:<11} {reason:<19} {tries:>5}  {recipient:<20} {provider}"
)
TRY: Final = "  {at}  try {number}{by}: {state}{told}"


def add_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the commands."""
    parser = commands.add_parser("deliveries", help="look up what became of mails")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="one line a mail, newest first")
    listing.add_argument("--state", choices=[state.value for state in State], help="only those that stand so")
    listing.add_argument("--template", help="only this mail: otp_code, account_approved, …")
    listing.add_argument("--stream", choices=[stream.name for stream in STREAMS], help="only this stream's")
    listing.add_argument("--reason", help="only these, as in the list: bounced, message_refused, …")
    listing.add_argument("--address", type=typed_address, help="only mail to this address")
    listing.add_argument(
        "--older-than", type=age, metavar="AGE", help="only those taken up before: 90s, 5m, 2h, 7d"
    )
    listing.add_argument("--newer-than", type=age, metavar="AGE", help="only those taken up since")
    listing.add_argument("--limit", type=limit, default=50, help="at most so many, 50 by default")
    showing = actions.add_parser("show", help="all about an event's mails, and how each try went")
    showing.add_argument("ids", nargs="+", type=UUID, metavar="EVENT", help="an event's id")
    for action in (listing, showing):
        action.add_argument("--addresses", action="store_true", help="tell addresses in full")
        action.add_argument("--json", action="store_true", help="one JSON object a line")


async def run(given: argparse.Namespace, sqlalchemy_url: str) -> int:
    """Run one of them. Returns the exit status: 1 where not all were found. Raises `PostgresAway`."""
    database = Database(sqlalchemy_url, connections=1, patience=PATIENCE)
    try:
        if given.action == "list":
            return await _list(Records(database), given)
        return await _show(Records(database), given)
    finally:
        await database.close()


async def _list(records: Records, given: argparse.Namespace) -> int:
    criteria = Criteria(
        state=given.state,
        template=given.template,
        stream=given.stream,
        reason=given.reason,
        address=given.address,
        older_than=given.older_than,
        newer_than=given.newer_than,
    )
    found = await records.find(criteria, limit=given.limit + 1)
    told = [record.described(addresses=given.addresses) for record in found[: given.limit]]
    if given.json:
        for one in told:
            print(printable(json.dumps(plain(one), ensure_ascii=False)))
        return 0
    for line in table(COLUMNS, [_row(one) for one in told]):
        print(line)
    print(counted(len(told), "mail", "mails", limit=given.limit, more=len(found) > given.limit))
    return 0


async def _show(records: Records, given: argparse.Namespace) -> int:
    found = await records.show(given.ids)
    for record, history in found:
        if given.json:
            told = plain(record.described(addresses=given.addresses)) | {"history": [*map(plain, history)]}
            print(printable(json.dumps(told, ensure_ascii=False)))
        else:
            _print(record, history, addresses=given.addresses)
    known = {record.row["event_id"] for record, _ in found}
    missing = [str(event_id) for event_id in dict.fromkeys(given.ids) if event_id not in known]
    if missing:
        print(
            f"no mail on record of event {' '.join(missing)}: see 'mailer-service deliveries list'",
            file=sys.stderr,
        )
    return 1 if missing else 0


def _print(record: Record, history: Sequence[Mapping[str, Any]], *, addresses: bool) -> None:
    for name, value in plain(record.described(addresses=addresses)).items():
        print(printable(f"{name:<16} {'' if value is None else value}".rstrip()))
    print("history")
    for one in map(plain, history):
        by = f" by {one['provider']}" if one["provider"] else ""
        told = {"at": one["ended_at"] or one["begun_at"], "by": by, "told": _told(one)}
        print(printable(TRY.format_map(one | told)))
    print()


def _told(one: Mapping[str, Any]) -> str:
    """Say why, and in whose words: ` (server_said_later): rcpt: 451 …`, or the last reply alone."""
    reason = f" ({one['reason']})" if one["reason"] else ""
    words = one.get("reply") or one["error"]
    return f"{reason}: {words}" if words else reason


def _row(told: Mapping[str, Any]) -> dict[str, object]:
    return {
        "at": told["created_at"],
        "event": told["event_id"],
        "mail": told["template"],
        "state": told["state"],
        "reason": told["reason"],
        "tries": told["attempts"],
        "recipient": told["recipient"],
        "provider": told["provider"],
    }
