"""A backlog that mailers find and drain into a fast SMTP server."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.codec import encode
from contracts.events import AnyEvent
from tests.benchmarks.fast_sink import Sink, fast_sink
from tests.benchmarks.processor_time import cpu_seconds
from tests.chaos.events import codes
from tests.chaos.fleet import LANES, RUN, Fleet
from tests.chaos.outbox import have_ended
from tests.support.waiting import until

MIDDLE = (0.1, 0.9)
"""The rate is that of the mails between: neither the start of the processes nor the last stragglers count."""
BATCH = 500


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


async def drain(
    fleet: Fleet,
    folder: Path,
    *,
    name: str,
    mailers: int,
    count: int,
    smtp_seconds: float,
    command: Sequence[str] = RUN,
    environment: Mapping[str, str] | None = None,
) -> Drain:
    """Let mailers that are up find a backlog, and look at what arrives, each mail once.

    `name` tells this drain's mails from those of others in the same ledger. The mailers end afterwards.
    """
    async with fast_sink(folder, seconds=smtp_seconds) as sink:
        before = len(await fleet.ledger.deliveries("ended_at IS NOT NULL"))
        fleet.replicas.clear()
        events = codes(count, name=name)
        await fleet.start(
            mailers, command=command, environment={"MAILER_SMTP_URL": sink.url, **(environment or {})}
        )
        spent = [cpu_seconds(replica.pid) for replica in fleet.replicas]
        await _publish_at_once(fleet, events)
        await until(lambda: len(sink.accepted()) >= count, within=300, every=0.5)
        await until(lambda: have_ended(fleet, before + count), within=60, every=0.5)
        cpu = sum(cpu_seconds(replica.pid) for replica in fleet.replicas) - sum(spent)
        load, _, _ = os.getloadavg()
        owners = Counter(
            delivery.owner for delivery in await fleet.ledger.deliveries("recipient LIKE $1", f"{name}-%")
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
