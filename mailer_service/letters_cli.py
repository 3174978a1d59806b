"""`mailer-service dead-letters`: list, show, replay and drop what could not be sent."""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from tqdm import tqdm

from contracts.streams import STREAMS
from mailer_service.ages import age
from mailer_service.assembly import lanes, redis_client
from mailer_service.consuming.consumer import new_consumer_name
from mailer_service.consuming.dead_letters import Criteria, DeadLetters, Letter, Replay
from mailer_service.consuming.lanes import Pace
from mailer_service.consuming.transitions import Transitions
from mailer_service.printing import printable
from mailer_service.settings import MailerSettings

LONG = 20
"""From this many letters on, a replay shows its progress."""
COLUMNS = "{letter:<18} {stream:<9} {reason:<20} {attempts:>8} {crashes:>7}  {last:<20} {type}"


def add_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the commands."""
    parser = commands.add_parser("dead-letters", help="look after letters that could not be sent")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, purpose in (
        ("list", "one line a letter, oldest first"),
        ("show", "everything about the letters but what is sealed"),
        ("replay", "send letters again: the same event id, counts anew"),
        ("drop", "delete letters for good; the ledger keeps its record"),
    ):
        action = actions.add_parser(name, help=purpose)
        action.add_argument(
            "ids", nargs="*" if name != "show" else "+", metavar="LETTER", help="a letter's id"
        )
        action.add_argument(
            "--stream", choices=[stream.name for stream in STREAMS], help="only this stream's"
        )
        action.add_argument("--reason", help="only these, as in 'list': message_refused, poisonous, …")
        action.add_argument("--type", help="only events of this type, whole or in part: otp_requested")
        action.add_argument(
            "--older-than", type=age, metavar="AGE", help="only those that died before: 90s, 5m, 2h, 7d"
        )
        action.add_argument("--newer-than", type=age, metavar="AGE", help="only those that died since")
        action.add_argument("--json", action="store_true", help="one JSON object a line")
        if name in {"replay", "drop"}:
            action.add_argument(
                "--all", action="store_true", help="every letter, where nothing else is named"
            )
            action.add_argument(
                "--dry-run", action="store_true", help="tell what would happen, change nothing"
            )
        if name == "replay":
            action.add_argument(
                "--force",
                action="store_true",
                help="also the expired (their mail goes out late) and the parked",
            )


async def run(given: argparse.Namespace, settings: MailerSettings) -> int:
    """Run one of them. Returns the exit status: 1 where not all were found or replayed, 2 for wrong use."""
    if given.action in {"replay", "drop"} and not _is_narrowed(given):
        print(
            f"say which letters: ids, --reason, --type, --stream, an age, or --all to {given.action} all",
            file=sys.stderr,
        )
        return 2
    async with _open(settings, given.stream) as boxes:
        match given.action:
            case "list" | "show":
                return await _print(boxes, given)
            case "replay":
                return await _replay(boxes, given)
            case _:
                return await _drop(boxes, given)


async def _print(boxes: Sequence[DeadLetters], given: argparse.Namespace) -> int:
    found: list[str] = []
    async for _, letter in _find(boxes, given):
        described = letter.described()
        if given.json:
            print(printable(json.dumps(described, ensure_ascii=False)))
        elif given.action == "show":
            lines = (printable(f"{name:<16} {value}") for name, value in described.items())
            print("\n".join(lines), end="\n\n")
        else:
            if not found:
                print(COLUMNS.format_map({name: name for name in re.findall(r"{(\w+)", COLUMNS)}))
            row = _Row(described, last=f"{letter.died_at:%Y-%m-%d %H:%M:%S}")
            print(printable(COLUMNS.format_map(row)))
        found.append(letter.id)
    if given.action == "list":
        if not given.json:
            print(f"{len(found)} dead letters" if len(found) != 1 else "1 dead letter")
        return 0
    return 0 if _all_found(given, found) else 1


async def _replay(boxes: Sequence[DeadLetters], given: argparse.Namespace) -> int:
    letters = [pair async for pair in _find(boxes, given)]
    all_found = _all_found(given, [letter.id for _, letter in letters])
    if not letters:
        return 1
    results: Counter[Replay] = Counter()
    started = time.monotonic()
    for box, letter in tqdm(
        letters, unit="letters", disable=given.json or len(letters) < LONG, file=sys.stderr
    ):
        result = await box.replay(letter, forced=given.force, dry_run=given.dry_run)
        results[result] += 1
        if given.json:
            print(
                json.dumps(
                    {"letter": letter.id, "stream": letter.stream, "result": result, "dry_run": given.dry_run}
                )
            )
    if not given.json:
        rate = len(letters) / max(time.monotonic() - started, 1e-6)
        counts = ", ".join(f"{count} {result}" for result, count in sorted(results.items()))
        print(f"{'would be: ' if given.dry_run else ''}{counts} ({rate:.0f} letters/s)")
        if results[Replay.EXPIRED] or results[Replay.PARKED]:
            print("expired and parked letters are sent again only with --force")
    return 0 if all_found and results[Replay.REPLAYED] == len(letters) else 1


async def _drop(boxes: Sequence[DeadLetters], given: argparse.Namespace) -> int:
    letters = [pair async for pair in _find(boxes, given)]
    all_found = _all_found(given, [letter.id for _, letter in letters])
    if not letters:
        return 1
    dropped = 0
    for box in boxes:
        own = [letter for owner, letter in letters if owner is box]
        dropped += len(own) if given.dry_run else await box.drop(own)
    if given.json:
        print(json.dumps({"dropped": dropped, "dry_run": given.dry_run}))
    else:
        print(f"{'would drop' if given.dry_run else 'dropped'} {dropped}")
    return 0 if all_found else 1


async def _find(
    boxes: Sequence[DeadLetters], given: argparse.Namespace
) -> AsyncIterator[tuple[DeadLetters, Letter]]:
    criteria = Criteria(
        ids=frozenset(given.ids),
        reason=given.reason,
        type=given.type,
        older_than=given.older_than,
        newer_than=given.newer_than,
    )
    for box in boxes:
        async for letter in box.find(criteria):
            yield box, letter


@asynccontextmanager
async def _open(settings: MailerSettings, stream: str | None) -> AsyncIterator[Sequence[DeadLetters]]:
    redis = redis_client(settings, connections=2)
    transitions = Transitions(redis, consumer=new_consumer_name(), max_crashes=Pace().max_crashes)
    try:
        yield [
            DeadLetters(redis, lane=lane, transitions=transitions)
            for lane in lanes(settings)
            if stream in {None, lane.name}
        ]
    finally:
        await redis.aclose()


class _Row(dict[str, object]):
    """A table's row: what a letter lacks stays empty."""

    def __missing__(self, _: str) -> str:
        return ""


def _is_narrowed(given: argparse.Namespace) -> bool:
    return any(
        [given.ids, given.reason, given.type, given.stream, given.older_than, given.newer_than, given.all]
    )


def _all_found(given: argparse.Namespace, found: Collection[str]) -> bool:
    """Tell whether there was a letter at all and each that was named; name those missing on stderr."""
    missing = [id_ for id_ in dict.fromkeys(given.ids) if id_ not in found]
    if found and not missing:
        return True
    named = f" {printable(' '.join(missing))}" if missing else ""
    print(f"no such dead letter{named}: see 'mailer-service dead-letters list'", file=sys.stderr)
    return False
