"""How long a code takes from the request to the mail server's 250, beside a request that sends it by itself.

Both use one Postgres, one mail server and processes of their own, idle but for this; one request at a time,
the two in turns. What the difference pays for: challenge and outbox row, relay, stream and claim in the
ledger, by which no mail is lost and no request ever waits for a mail server.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from devstack.program import Program
from tests.benchmarks import direct_app
from tests.chaos.events import KEY
from tests.chaos.fleet import Fleet
from tests.integration.auth_service.process import environment
from tests.integration.auth_service.service.people import settle
from tests.integration.auth_service.service.running import serving
from tests.support.running import running

ROUNDS = 20
CALLS = 10
WARM = 10


@contextmanager
def direct(fleet: Fleet, folder: Path) -> Iterator[str]:
    """Run the application that sends mails itself; gives its address."""
    settings = environment(fleet.database_url, fleet.redis_url, MAILER_SMTP_URL=fleet.smtp.url)
    url = settings["PUBLIC_URL"]
    program = Program(
        name="direct",
        command=(sys.executable, "-m", direct_app.__name__),
        folder=folder,
        environment=settings | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    with running(program, ready=ready, log=folder / "direct.log"):
        yield url


@pytest.mark.timeout(600)
async def test_from_the_request_to_the_250(fleet: Fleet, tmp_path: Path) -> None:
    await fleet.start(1)
    with ExitStack() as stack:
        service = stack.enter_context(
            serving(
                folder=tmp_path,
                postgres_url=fleet.database_url,
                redis_url=fleet.redis_url,
                SEALING_KEYS=KEY,
            )
        )
        paths = {
            "sent by the request itself": f"{stack.enter_context(direct(fleet, tmp_path))}/direct",
            "by outbox and stream": f"{service.url}/v1/login/challenges",
        }
        postgres = await asyncpg.connect(fleet.database_url)
        people = iter(await settle(postgres, len(paths) * (WARM + ROUNDS * CALLS)))
        await postgres.close()
        answered: dict[str, list[float]] = {name: [] for name in paths}
        mailed: dict[str, list[float]] = {name: [] for name in paths}
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            for _ in range(WARM + ROUNDS * CALLS):
                for name, path in paths.items():
                    address, before = next(people).email, len(fleet.smtp.accepted)
                    began = time.monotonic()
                    answer = await client.post(path, json={"email": address, "transport": "bearer"})
                    answered[name].append(time.monotonic() - began)
                    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
                    (mail,) = (await fleet.smtp.wait_for(before + 1, within=20))[before:]
                    assert mail.recipient == address
                    mailed[name].append(mail.at - began)
    _tell(mailed, answered)


def _tell(mailed: Mapping[str, list[float]], answered: Mapping[str, list[float]]) -> None:
    load, _, _ = os.getloadavg()
    lines = [f"\n{ROUNDS * CALLS} requests of each in turn, load average {load:.1f}"]
    medians = {}
    for name, seconds in mailed.items():
        cuts = statistics.quantiles((1000 * each for each in seconds[WARM:]), n=100)
        asked = statistics.quantiles((1000 * each for each in answered[name][WARM:]), n=100)
        medians[name] = cuts[49]
        lines.append(
            f"  {name:28} to the 250: p10 {cuts[9]:6.1f} ms   p50 {cuts[49]:6.1f} ms   p95 {cuts[94]:6.1f} ms"
            f"      to the answer: p50 {asked[49]:6.1f} ms   p95 {asked[94]:6.1f} ms"
        )
    direct_median, ours = medians.values()
    lines.append(f"  the difference of the medians is {ours - direct_median:.1f} ms")
    sys.stdout.write("\n".join(lines) + "\n")
