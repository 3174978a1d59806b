"""What `GET /v1/me` takes at 50 requests a second while Redis stands still for 30 s, and once it goes on."""

import asyncio
import signal
import statistics
import sys
import time
from pathlib import Path

import pytest

from tests.integration.auth_service.service.people import settle
from tests.integration.auth_service.steady_load import Answered, steadily
from tests.integration.auth_service.test_caches_of_two_services import opened
from tests.support.own_redis import KINDS, own_redis

BEFORE, STOPPED, AFTER = 5.0, 30.0, 8.0


@pytest.mark.parametrize("kind", KINDS)
async def test_me_while_redis_stands_still(kind: str, tmp_path: Path, postgres_url: str) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(kind, folder) as redis:
        async with opened(tmp_path, postgres_url, redis) as houses:
            (ada,) = await settle(houses.postgres, 1)
            await houses.warm(ada)
            enough = asyncio.Event()
            asking = asyncio.create_task(steadily(lambda: houses.me(houses.here, ada), until_set=enough))
            await asyncio.sleep(BEFORE)
            redis.signal(signal.SIGSTOP)
            stopped_at = time.monotonic()
            await asyncio.sleep(STOPPED)
            redis.signal(signal.SIGCONT)
            back_at = time.monotonic()
            await asyncio.sleep(AFTER)
            enough.set()
            answers = await asking
    assert {answer.status for answer in answers} == {200}
    sys.stdout.write(f"\n{kind}: {len(answers)} requests, each answered 200\n")
    _tell("before", [each for each in answers if each.sent_at < stopped_at])
    _tell("while it stands still", [each for each in answers if stopped_at <= each.sent_at < back_at])
    _tell("in the first 2 s after", [each for each in answers if back_at <= each.sent_at < back_at + 2])
    _tell("later", [each for each in answers if each.sent_at >= back_at + 2])


def _tell(when: str, answers: list[Answered]) -> None:
    took = [answer.took * 1000 for answer in answers]
    p99 = statistics.quantiles(took, n=100)[98]
    sys.stdout.write(
        f"  {when:24} p50 {statistics.median(took):6.1f} ms   p99 {p99:6.1f} ms   most {max(took):6.1f} ms\n"
    )
