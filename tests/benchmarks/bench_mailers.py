"""How fast 1, 2 and 4 mailers drain a backlog: into a server that takes its time, and one that takes none.

The first is how mail goes in earnest, and more mailers have more connections; the second shows what a mail
costs, and ends where the processors do. Each mail arrives once, whoever sends it.
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import encode
from contracts.events import AnyEvent
from tests.benchmarks.fast_sink import Sink, fast_sink
from tests.chaos.events import codes
from tests.chaos.fleet import LANES, Fleet
from tests.chaos.outbox import have_ended
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(900)

CURVE = (1, 2, 4)
PATIENT, EAGER = 0.1, 0.0
COUNTS = {PATIENT: 1500, EAGER: 3000}
MANY = 10_000
MIDDLE = (0.1, 0.9)
"""The rate is that of the mails between: neither the start of the processes nor the last stragglers count."""
BATCH = 500
PROCESSORS = f"{os.cpu_count()} processors for everything"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Drain:
    """What one backlog took."""

    mailers: int
    per_second: float
    cpu_seconds: float
    """Of the mailers alone."""
    load: float
    """The machine's load average of the last minute: what else ran took its part."""
    shares: tuple[int, ...]
    """How many mails each mailer sent."""


@pytest.mark.parametrize("smtp_seconds", [PATIENT, EAGER], ids=["patient", "eager"])
async def test_the_curve_over_1_2_and_4_mailers(fleet: Fleet, tmp_path: Path, smtp_seconds: float) -> None:
    count = COUNTS[smtp_seconds]
    drains = [
        await _drain(fleet, tmp_path, mailers=mailers, count=count, smtp_seconds=smtp_seconds)
        for mailers in CURVE
    ]
    _tell(f"\n{count} codes, SMTP takes {smtp_seconds:g} s a mail, {PROCESSORS}")
    for drain in drains:
        _tell(
            f"  {drain.mailers} mailers  {drain.per_second:7.0f} mails/s  "
            f"{drain.per_second / drains[0].per_second:4.2f} x  "
            f"{drain.cpu_seconds * 1000 / count:5.2f} CPU s per 1,000 mails  load {drain.load:4.1f}  "
            f"shares {drain.shares}"
        )


async def test_four_mailers_send_10000_mails_once_each(fleet: Fleet, tmp_path: Path) -> None:
    drain = await _drain(fleet, tmp_path, mailers=4, count=MANY, smtp_seconds=EAGER)
    _tell(f"\n4 mailers, {MANY} events, {MANY} mails, none twice: {drain.per_second:.0f} mails/s")
    _tell(
        f"  {drain.cpu_seconds * 1000 / MANY:.2f} CPU s per 1,000 mails  load {drain.load:.1f}  "
        f"shares {drain.shares}"
    )


async def _drain(fleet: Fleet, folder: Path, *, mailers: int, count: int, smtp_seconds: float) -> Drain:
    """Let mailers that are up find a backlog, and look at what arrives."""
    async with fast_sink(folder, seconds=smtp_seconds) as sink:
        before = len(await fleet.ledger.deliveries("ended_at IS NOT NULL"))
        fleet.replicas.clear()
        events = codes(count, name=f"of-{mailers}")
        await fleet.start(mailers, environment={"MAILER_SMTP_URL": sink.url})
        spent = [_cpu_seconds(replica.pid) for replica in fleet.replicas]
        await _publish_at_once(fleet, events)
        await until(lambda: len(sink.accepted()) >= count, within=300, every=0.5)
        await until(lambda: have_ended(fleet, before + count), within=60, every=0.5)
        cpu = sum(_cpu_seconds(replica.pid) for replica in fleet.replicas) - sum(spent)
        load, _, _ = os.getloadavg()
        owners = Counter(
            delivery.owner
            for delivery in await fleet.ledger.deliveries("recipient LIKE $1", f"of-{mailers}-%")
        )
        await fleet.quiet(within=60)
        for replica in fleet.replicas:
            assert await replica.terminate(within=40) == 0
        for lane in LANES:
            await fleet.redis.xtrim(lane.facts, maxlen=0)
        _assert_each_once(sink, count)
    return Drain(mailers, _rate(sink), cpu, load, tuple(sorted(owners.values(), reverse=True)))


async def _publish_at_once(fleet: Fleet, events: Sequence[AnyEvent]) -> None:
    for start in range(0, len(events), BATCH):
        async with fleet.redis.pipeline(transaction=False) as pipeline:
            for event in events[start : start + BATCH]:
                fields: dict[Any, Any] = {**encode(event)}
                pipeline.xadd(event.stream.key, fields)
            await pipeline.execute()


def _assert_each_once(sink: Sink, count: int) -> None:
    copies = Counter(recipient for _, recipient in sink.accepted())
    assert len(copies) == count
    assert set(copies.values()) == {1}


def _rate(sink: Sink) -> float:
    moments = sorted(at for at, _ in sink.accepted())
    begin, end = (moments[int(len(moments) * part)] for part in MIDDLE)
    return len(moments) * (MIDDLE[1] - MIDDLE[0]) / (end - begin)


def _cpu_seconds(pid: int) -> float:
    """Tell what a process has used, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
