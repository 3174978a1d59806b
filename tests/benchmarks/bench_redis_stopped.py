"""What 50 requests a second meet while Redis is away for 30 s, stopped or killed, and once it is back.

They are seen (`/v1/me`), ask for codes and answer them, with limits. Each must be answered as documented, and
each accepted challenge's mail must come once.
"""

import asyncio
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from devstack.answers import redis_answers
from tests.e2e.steady_visits import CODES_PER_IP, DOCUMENTED, Answered, Visits, visited
from tests.support.own_redis import KINDS, own_redis
from tests.support.waiting import until

BEFORE, AWAY, AFTER = 10.0, 30.0, 10.0
PEOPLE: Final = 1000
MAILED_WITHIN: Final = 120.0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mishap", ["stands still", "is killed"])
@pytest.mark.parametrize("kind", KINDS)
async def test_everybody_while_redis_is_away(kind: str, mishap: str, tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(kind, folder) as redis:
        async with visited(redis, people=PEOPLE) as (_, visits, inbox):
            enough = asyncio.Event()
            visiting = asyncio.create_task(visits.keep_coming(until_set=enough))
            await asyncio.sleep(BEFORE)
            gone_at = time.monotonic()
            if mishap == "is killed":
                redis.kill()
            else:
                redis.signal(signal.SIGSTOP)
            await asyncio.sleep(AWAY)
            if mishap == "is killed":
                redis.launch()
            else:
                redis.signal(signal.SIGCONT)
            await until(partial(redis_answers, redis.url), within=20)
            back_at = time.monotonic()
            await asyncio.sleep(AFTER)
            enough.set()
            await visiting

            assert visits.statuses() == DOCUMENTED
            crowded = Counter(each.status for each in visits.answers if each.kind == "crowded challenge")
            assert CODES_PER_IP <= crowded[202] <= 2 * CODES_PER_IP
            await until(partial(visits.has_each_mail_once, inbox), within=MAILED_WITHIN, every=0.5)
            assert await visits.mails_in_all(inbox) == len(visits.accepted)
    sys.stdout.write(f"\n{kind} {mishap} for {AWAY:.0f} s: {len(visits.answers)} requests, all answered\n")
    _tell_of(visits, gone_at=gone_at, back_at=back_at)


def _tell_of(visits: Visits, *, gone_at: float, back_at: float) -> None:
    for (kind, status), count in sorted(Counter((each.kind, each.status) for each in visits.answers).items()):
        sys.stdout.write(f"  {kind}: {status}, {count} times\n")
    sys.stdout.write(f"  {len(visits.accepted)} challenges accepted, each mailed once\n")
    spans = (
        ("before", 3.0, gone_at - 1e9, gone_at),  # the first seconds warm up
        ("while it is away", 0.0, gone_at, back_at),
        ("in the first 2 s after", 0.0, back_at, back_at + 2),
        ("later", 0.0, back_at + 2, back_at + 1e9),
    )
    began = min(each.sent_at for each in visits.answers)
    told = {}
    for name, warming, begin, end in spans:
        span = _sent(visits.answers, max(begin, began + warming), end)
        told[name] = _p99(span)
        took = [1000 * each.took for each in span]
        sys.stdout.write(
            f"  {name:24} p50 {statistics.median(took):6.1f} ms   p99 {told[name]:6.1f} ms"
            f"   slowest {max(took):6.1f} ms\n"
        )
    seconds = [_p99(_sent(visits.answers, back_at + each, back_at + each + 1)) for each in range(int(AFTER))]
    each_second = ", ".join(f"{p99:.0f}" for p99 in seconds)
    ratio = told["later"] / told["before"]
    sys.stdout.write(
        f"  p99 of each second after: {each_second} ms; later {ratio:.1f} times that from before\n"
    )


def _sent(answers: Iterable[Answered], begin: float, end: float) -> list[Answered]:
    return [each for each in answers if begin <= each.sent_at < end]


def _p99(answers: Sequence[Answered]) -> float:
    return 1000 * statistics.quantiles([each.took for each in answers], n=100, method="inclusive")[98]
