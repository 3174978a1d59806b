"""Redis is away for 5 s under 50 requests a second: all are answered as ever, and each mail comes once."""

import asyncio
import signal
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from devstack.answers import redis_answers
from tests.e2e.steady_visits import CODES_PER_IP, DOCUMENTED, PER_SECOND, Visits, visited
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.waiting import until

AWAY_SECONDS = 5
WITHIN = 60.0
CASES = list(zip(cycle(KINDS), ("stands still", "dies"), strict=False))


@pytest.fixture
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(request.param, folder) as server:
        yield server


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("own", "mishap"), CASES, indirect=["own"])
async def test_everybody_is_answered_as_documented_and_each_accepted_challenge_is_mailed_once(
    own: OwnRedis, mishap: str
) -> None:
    async with visited(own, people=1000) as (_, visits, inbox):
        enough = asyncio.Event()
        visiting = asyncio.create_task(visits.keep_coming(until_set=enough))
        await until(partial(_have_come, visits, PER_SECOND), within=WITHIN)

        if mishap == "dies":
            own.kill()
        else:
            own.signal(signal.SIGSTOP)
        await until(partial(_have_come, visits, (1 + AWAY_SECONDS) * PER_SECOND), within=WITHIN)
        if mishap == "dies":
            own.launch()
        else:
            own.signal(signal.SIGCONT)
        await until(partial(redis_answers, own.url), within=WITHIN)
        await until(partial(_have_come, visits, (3 + AWAY_SECONDS) * PER_SECOND), within=WITHIN)
        enough.set()
        await visiting

        assert visits.statuses() == DOCUMENTED
        crowded = [each.status for each in visits.answers if each.kind == "crowded challenge"]
        # Once in Redis's window, and once in that of the process alone.
        assert CODES_PER_IP <= crowded.count(202) <= 2 * CODES_PER_IP
        await until(partial(visits.has_each_mail_once, inbox), within=WITHIN, every=0.5)
        assert await visits.mails_in_all(inbox) == len(visits.accepted)


def _have_come(visits: Visits, count: int) -> bool:
    return len(visits.answers) >= count
