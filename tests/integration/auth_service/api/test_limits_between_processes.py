"""Two real processes behind one door: what they count, they count together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.auth_service.process import environment, running
from tests.support.waiting import until

ROUNDS = 5


class Neighbour:
    """A process, its door and its metrics."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.door = httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings['AUTH_PORT']}", timeout=30)
        self.inside = httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings['AUTH_INTERNAL_PORT']}")

    async def ready(self) -> bool:
        try:
            return (await self.door.get("/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def ask(self, number: int, *, network: str) -> int:
        body = {"email": f"person-{number}@example.org", "transport": "bearer"}
        headers = {"X-Forwarded-For": network}
        return (await self.door.post("/v1/login/challenges", json=body, headers=headers)).status_code

    async def decided_alone(self) -> float:
        """Tell how often it decided without Redis, as a machine under load may have it do."""
        families = text_string_to_metric_families((await self.inside.get("/metrics")).text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("decision", "").endswith("_locally") and sample.name.endswith("_total")
        )

    async def close(self) -> None:
        await self.door.aclose()
        await self.inside.aclose()


async def _alone(both: Sequence[Neighbour]) -> float:
    return sum([await each.decided_alone() for each in both])


async def test_of_a_hundred_requests_at_once_to_two_processes_five_pass(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    more = {"AUTH_LIMIT_CODES_PER_IP": "5/300", "AUTH_RELAY": "off", "AUTH_TRUSTED_PROXIES": "127.0.0.1/32"}
    one = environment(postgres_url, redis_url, **more)
    ports = environment(postgres_url, redis_url)
    other = one | {name: ports[name] for name in ("AUTH_PORT", "AUTH_INTERNAL_PORT")}
    both = (Neighbour(one), Neighbour(other))

    async with (
        running("serve", folder=tmp_path, settings=one),
        running("serve", folder=tmp_path, settings=other),
    ):
        for each in both:
            await until(each.ready, within=60)
        for number in range(ROUNDS):
            alone = await _alone(both)
            network = f"203.0.113.{number}"
            told = await asyncio.gather(*(both[n % 2].ask(n, network=network) for n in range(100)))
            if await _alone(both) == alone:
                break
        else:
            raise AssertionError("Redis was too slow for this machine in every round")
        for each in both:
            await each.close()

    assert Counter(told) == {202: 5, 429: 95}
