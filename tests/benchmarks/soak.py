"""A stack under even load for as long as you like, to see that nothing grows and each mail comes once.

python -m tests.benchmarks.soak --minutes 20 --people 8

Each person signs in by a mailed code, looks at themselves, signs out, and begins again; a second mailer is
ended every minute and comes back under another name. Exit status 1 when something grew, was lost, or came
twice.
"""

import argparse
import asyncio
import itertools
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import asyncpg
from redis.asyncio import Redis

from devstack.stack import Stack
from devstack.visitor import CODE, Visitor, expect
from tests.benchmarks.soak_samples import Sample, look, verdict
from tests.support.fault_smtp import Accepted, FaultSmtp
from tests.support.stacks import own_caller
from tests.support.waiting import until

SAMPLE_EVERY_SECONDS = 10.0
RESTART_EVERY_SECONDS = 60.0
MAIL_WITHIN_SECONDS = 60.0
PAUSE_SECONDS = 0.5
SUBJECT = re.compile(rb"^Subject: (.*)$", re.MULTILINE)


@dataclass
class Tally:
    """What was asked for and what came."""

    asked: int = 0
    signed_in: int = 0
    restarts: int = 0
    copies: Counter[str] = field(default_factory=Counter)
    """How often each Message-ID came."""
    codes: dict[str, list[str]] = field(default_factory=dict)
    """The codes that came for each address and were not used yet."""


class Inbox(FaultSmtp):
    """Keeps of each mail what the soak needs, and forgets the rest."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def collect(self) -> None:
        """Take what has come since."""
        mails, self.accepted = self.accepted, []
        self.data_begun.clear()
        for mail in mails:
            self._tally.copies[mail.message_id] += 1
            if code := _code_in(mail):
                self._tally.codes.setdefault(mail.recipient, []).append(code)


def _code_in(mail: Accepted) -> str | None:
    subject = SUBJECT.search(mail.raw)
    found = CODE.search(subject[1].decode(errors="replace")) if subject else None
    return found[0] if found else None


async def soak(*, minutes: float, people: int) -> bool:
    """Run it; tell whether all went well."""
    tally, samples = Tally(), list[Sample]()
    inbox = Inbox(tally)
    async with inbox, _stack(inbox) as stack:
        collecting = asyncio.create_task(_collect(inbox))
        async with Redis.from_url(stack.environment["REDIS_URL"], decode_responses=True) as redis:
            database = await asyncpg.connect(stack.environment["DATABASE_URL"])
            end = time.monotonic() + minutes * 60
            lives = [asyncio.create_task(_live(stack, number, tally, end)) for number in range(people)]
            restarting = asyncio.create_task(_restart(stack, tally, end))
            while time.monotonic() < end:
                samples.append(await look(stack, redis, database))
                _tell_sample(samples[-1], tally, left=end - time.monotonic())
                await asyncio.sleep(SAMPLE_EVERY_SECONDS)
            ends = await asyncio.gather(*lives, restarting, return_exceptions=True)
            await until(lambda: _all_have_ended(database), within=MAIL_WITHIN_SECONDS, every=0.5)
            states = dict(await database.fetch("SELECT state, count(*) FROM mailer.deliveries GROUP BY 1"))
            await database.close()
        inbox.collect()
        collecting.cancel()
    lines, flat = verdict(samples)
    twice = sum(count > 1 for count in tally.copies.values())
    whole = states == {"sent": len(tally.copies)}
    faults = [repr(end) for end in ends if isinstance(end, BaseException)]
    sys.stdout.write(
        f"\n{minutes:g} minutes, {people} people, {tally.signed_in} sign-ins, {len(tally.copies)} mails "
        f"({twice} more than once), {tally.restarts} ends of a mailer, ledger {states}\n"
        + "\n".join([*lines, *faults])
        + "\n"
    )
    return flat and not twice and whole and not faults


def _stack(inbox: FaultSmtp) -> Stack:
    return Stack(mailers=2, caller=own_caller(AUTH_REQUIRE_APPROVAL="false", MAILER_SMTP_URL=inbox.url))


async def _collect(inbox: Inbox) -> None:
    while True:
        inbox.collect()
        await asyncio.sleep(0.02)


async def _live(stack: Stack, number: int, tally: Tally, end: float) -> None:
    """Register once, then sign in and out until the end."""
    address = f"person-{number}@example.org"
    environment = {**stack.environment, "INBOX_URL": "http://unused.invalid"}
    for turn in itertools.count():
        if time.monotonic() >= end:
            return
        async with Visitor.to(environment, address) as visitor:
            ask = visitor.register if turn == 0 else visitor.ask_for_code
            expect(await ask(), 202, "a request for a code")
            tally.asked += 1
            await until(partial(tally.codes.get, address), within=MAIL_WITHIN_SECONDS)
            expect(await visitor.verify(tally.codes[address].pop()), 200, "a code")
            tally.signed_in += 1
            for _ in range(5):
                expect(await visitor.me(), 200, "a look at oneself")
            expect(await visitor.sign_out(), 204, "a sign-out")
        await asyncio.sleep(PAUSE_SECONDS)


async def _restart(stack: Stack, tally: Tally, end: float) -> None:
    """End the second mailer again and again, cleanly and by SIGKILL in turn."""
    for turn in itertools.count():
        if end - time.monotonic() < 1.5 * RESTART_EVERY_SECONDS:
            return
        await asyncio.sleep(RESTART_EVERY_SECONDS)
        mailer = stack.process("mailer-2")
        if turn % 2:
            await mailer.kill()
        else:
            await mailer.stop()
            await mailer.start()
        await mailer.wait_ready()
        tally.restarts += 1


async def _all_have_ended(database: "asyncpg.Connection[asyncpg.Record]") -> bool:
    waiting = await database.fetchval(
        "SELECT count(*) FROM mailer.deliveries WHERE state IN ('sending', 'waiting')"
    )
    return bool(waiting == 0)


def _tell_sample(sample: Sample, tally: Tally, *, left: float) -> None:
    shown = "  ".join(f"{name} {value:.0f}" for name, value in sample.values.items())
    sys.stdout.write(f"{left:5.0f} s left  sign-ins {tally.signed_in}  {shown}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--people", type=int, default=8)
    given = parser.parse_args()
    with suppress(KeyboardInterrupt):
        sys.exit(0 if asyncio.run(soak(minutes=given.minutes, people=given.people)) else 1)
