"""Two services on one Postgres and one Redis, caches warm: what one changes, the other's next answer shows.

The changes are made healthy, and around each mishap that makes Redis forget a change, or never hear of it.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.integration.auth_service.mishaps import MISHAPS, WITHIN, Mishap
from tests.integration.auth_service.process import environment
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import serving
from tests.integration.auth_service.steady_load import steadily
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.waiting import until

HITS = 'auth_cache_requests_total{cache="session",result="hit"}'


@dataclass(frozen=True)
class Houses:
    """Both services, their Postgres and the Redis between them."""

    here: httpx.AsyncClient
    there: httpx.AsyncClient
    insides: Sequence[httpx.AsyncClient]
    postgres: asyncpg.Connection
    redis: OwnRedis
    root: Person

    async def me(self, client: httpx.AsyncClient, person: Person) -> httpx.Response:
        return await client.get("/v1/me", headers=person.headers)

    async def warm(self, *people: Person) -> None:
        """Have everybody seen at both, until both know all of them without asking Postgres."""
        await until(partial(self._know, people), within=WITHIN)

    async def _know(self, people: Sequence[Person]) -> bool:
        before = await self._hits()
        for client in (self.here, self.there):
            for person in people:
                assert (await self.me(client, person)).status_code == httpx.codes.OK
        return await self._hits() - before == 2 * len(people)

    async def keeps_again(self, person: Person) -> bool:
        """Tell whether someone is seen at the other service without asking Postgres."""
        before = await self.counted(self.insides[1], HITS)
        await self.me(self.there, person)
        return await self.counted(self.insides[1], HITS) > before

    async def _hits(self) -> float:
        return sum([await self.counted(inside, HITS) for inside in self.insides])

    async def counted(self, inside: httpx.AsyncClient, sample: str) -> float:
        """Read a sample of what a service counts; 0 where there is none yet."""
        lines = [line.rpartition(" ") for line in (await inside.get("/metrics")).text.splitlines()]
        return sum(float(value) for name, _, value in lines if name == sample)

    async def suspend(self, person: Person) -> None:
        done = await self.here.post(f"/v1/admin/users/{person.id}/suspend", headers=self.root.headers)
        assert done.json()["status"] == "suspended", done.text

    async def promote(self, person: Person) -> None:
        done = await self.here.patch(
            f"/v1/admin/users/{person.id}", json={"role": "admin"}, headers=self.root.headers
        )
        assert done.json()["role"] == "admin", done.text

    async def sign_out(self, person: Person) -> None:
        done = await self.here.delete("/v1/sessions/current", headers=person.headers)
        assert done.status_code == httpx.codes.NO_CONTENT

    async def everybody(self, client: httpx.AsyncClient) -> dict[str, str]:
        listed = await client.get("/v1/admin/users", headers=self.root.headers)
        return {user["id"]: user["status"] for user in listed.json()["users"]}


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with own_redis(request.param, folder) as server:
        yield server


@asynccontextmanager
async def opened(folder: Path, postgres_url: str, own: OwnRedis, **settings: str) -> AsyncIterator[Houses]:
    """Start both services, with the same keys and `settings`."""
    keys = {name: environment(postgres_url, own.url)[name] for name in ("SEALING_KEYS", "AUTH_PEPPERS")}
    async with AsyncExitStack() as stack:
        clients, insides = [], []
        for name in ("here", "there"):
            place = folder / name
            place.mkdir()
            service = stack.enter_context(
                serving(folder=place, postgres_url=postgres_url, redis_url=own.url, **keys, **settings)
            )
            clients.append(await stack.enter_async_context(service.client()))
            insides.append(await stack.enter_async_context(service.inside()))
        postgres = await asyncpg.connect(postgres_url)
        stack.push_async_callback(postgres.close)
        (root,) = await settle(postgres, 1, role="admin")
        here, there = clients
        yield Houses(here=here, there=there, insides=insides, postgres=postgres, redis=own, root=root)


async def test_the_other_service_shows_each_change_at_once(
    tmp_path: Path, postgres_url: str, own: OwnRedis
) -> None:
    async with opened(tmp_path, postgres_url, own) as houses:
        ada, bob, eve, dan = await settle(houses.postgres, 4)
        (waiting,) = await settle(houses.postgres, 1, status="pending")
        await houses.warm(houses.root, ada, bob, eve, dan)
        assert (await houses.everybody(houses.there))[str(waiting.id)] == "pending"

        await houses.suspend(ada)
        assert (await houses.me(houses.there, ada)).status_code == httpx.codes.UNAUTHORIZED
        await houses.promote(bob)
        assert (await houses.me(houses.there, bob)).json()["role"] == "admin"
        await houses.sign_out(eve)
        assert (await houses.me(houses.there, eve)).status_code == httpx.codes.UNAUTHORIZED
        await houses.here.post(f"/v1/admin/users/{waiting.id}/approve", headers=houses.root.headers)
        assert (await houses.me(houses.there, waiting)).json()["status"] == "active"
        assert (await houses.everybody(houses.there))[str(waiting.id)] == "active"
        await houses.here.patch("/v1/me", json={"name": "Danielle"}, headers=dan.headers)
        assert (await houses.me(houses.there, dan)).json()["name"] == "Danielle"
        await houses.here.delete("/v1/me", headers=dan.headers)
        assert (await houses.me(houses.there, dan)).status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_no_change_is_unseen_for_what_became_of_redis(
    tmp_path: Path,
    postgres_url: str,
    own: OwnRedis,
    mishap: Mishap,
) -> None:
    async with opened(tmp_path, postgres_url, own) as houses:
        ada, bob, eve = await settle(houses.postgres, 3)
        await houses.warm(houses.root, ada, bob, eve)
        await houses.everybody(houses.there)

        async def deed() -> None:
            await houses.suspend(ada)
            await houses.promote(bob)
            await houses.sign_out(eve)

        await mishap(houses.redis, deed)
        for _ in range(5):  # at once, and again when caches are in use again
            shown = [await houses.me(houses.there, person) for person in (ada, bob, eve)]
            assert [each.status_code for each in shown] == [401, 200, 401]
            assert shown[1].json()["role"] == "admin"
            assert (await houses.everybody(houses.there))[str(ada.id)] == "suspended"
        await until(partial(houses.keeps_again, bob), within=WITHIN)
        shown = [await houses.me(houses.there, person) for person in (ada, bob, eve)]
        assert [each.status_code for each in shown] == [401, 200, 401]
        assert shown[1].json()["role"] == "admin"


async def test_everyone_is_answered_while_redis_stands_still_and_sees_what_changed_meanwhile(
    tmp_path: Path, postgres_url: str, own: OwnRedis
) -> None:
    async with opened(tmp_path, postgres_url, own) as houses:
        ada, bob = await settle(houses.postgres, 2)
        await houses.warm(houses.root, ada, bob)
        enough = asyncio.Event()
        loads = [
            asyncio.create_task(steadily(partial(houses.me, client, bob), until_set=enough))
            for client in (houses.here, houses.there)
        ]
        own.signal(signal.SIGSTOP)
        for client in (houses.here, houses.there):
            await until(partial(away, client), within=WITHIN)
        await houses.suspend(ada)
        assert (await houses.me(houses.there, ada)).status_code == httpx.codes.UNAUTHORIZED
        own.signal(signal.SIGCONT)
        await until(partial(houses.keeps_again, bob), within=WITHIN)
        assert (await houses.me(houses.there, ada)).status_code == httpx.codes.UNAUTHORIZED
        enough.set()
        answers = [answer for load in loads for answer in await load]

    assert {answer.status for answer in answers} == {httpx.codes.OK}


async def away(client: httpx.AsyncClient) -> bool:
    """Tell whether a service has noticed that Redis does not answer."""
    return bool((await client.get("/readyz")).json()["status"] == "degraded")
