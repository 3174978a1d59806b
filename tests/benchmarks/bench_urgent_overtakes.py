"""How long codes take to reach SMTP: on an idle stack, and behind 5,000 waiting notices."""

import asyncio
import statistics
import sys
import time

from tests.chaos.events import a_code, an_approval, publish
from tests.chaos.fleet import Fleet
from tests.support.fault_smtp import Fault, Phase, Rule, rules
from tests.support.waiting import until

NOTICES = 5000
CODES = 50
CODES_PER_SECOND = 10.0
SMTP_SECONDS = 0.1


async def test_codes_beside_a_backlog_of_notices(fleet: Fleet) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=SMTP_SECONDS)))
    await fleet.start(1)
    await _seconds_to_smtp(fleet, "warm", 5)
    idle = await _seconds_to_smtp(fleet, "idle", CODES)

    notices = [an_approval(f"member-{number}@example.org") for number in range(NOTICES)]
    await publish(fleet.redis, notices, per_second=5000)
    behind = await _seconds_to_smtp(fleet, "behind", CODES)
    waiting = NOTICES - sum(mail.recipient.startswith("member-") for mail in fleet.smtp.accepted)
    assert waiting > 0, "the notices were gone before the codes were"

    _tell(f"\n{CODES} codes, {CODES_PER_SECOND:.0f}/s, from XADD to DATA, SMTP takes {SMTP_SECONDS:g} s")
    _tell(f"  idle stack                        {_in_words(idle)}")
    _tell(f"  {NOTICES} to {waiting} notices waiting     {_in_words(behind)}")
    _tell(f"  p99 beside the idle stack's       {max(behind) / max(idle):.2f}")


async def _seconds_to_smtp(fleet: Fleet, name: str, count: int) -> list[float]:
    """Publish codes at their pace; give the seconds from each XADD to the beginning of its DATA."""
    published: dict[str, float] = {}
    for number in range(count):
        address = f"{name}-{number}@example.org"
        event = a_code(address)
        published[address] = time.monotonic()
        await publish(fleet.redis, [event])
        await asyncio.sleep(1 / CODES_PER_SECOND)

    def begun() -> dict[str, float]:
        return {
            data.recipient: data.begun_at for data in fleet.smtp.data_begun if data.recipient in published
        }

    await until(lambda: len(begun()) == count, within=60)
    return [moment - published[address] for address, moment in begun().items()]


def _in_words(seconds: list[float]) -> str:
    """With 50 of them the slowest is the 99th percentile."""
    return f"p50 {statistics.median(seconds) * 1000:6.1f} ms   p99 {max(seconds) * 1000:6.1f} ms"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
