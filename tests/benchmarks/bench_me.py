"""What `GET /v1/me` costs: from the cache, from Postgres, and beside a bare endpoint with one Redis GET.

The three run in turns, a burst each, so that whatever else the machine does is shared by all of them.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis

from contracts.logs import configure
from devstack.ports import free_port
from tests.integration.auth_service.api.site import open_site
from tests.integration.auth_service.presences import present
from tests.support.waiting import until

TURNS = 30
BURST = 100
TOGETHER = 8
SEEN = "seen"


def bare(redis_url: str) -> FastAPI:
    """Make an endpoint that asks Redis for one value, and gives it."""
    app, redis = FastAPI(), Redis.from_url(redis_url)

    @app.get("/v1/me")
    async def get_me() -> dict[str, str]:
        found = await redis.get(SEEN)
        assert isinstance(found, bytes)
        return {"value": found.decode()}

    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an application in this process, as the service itself is served."""
    port = free_port()
    config = uvicorn.Config(app, port=port, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started, within=10)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    server.should_exit = True
    await serving


async def test_me_beside_a_bare_endpoint(postgres_url: str, redis_url: str) -> None:
    configure("json", service="auth_service")  # lines as a service writes them, one for each request
    async with AsyncExitStack() as stack:
        cached = await stack.enter_async_context(open_site(postgres_url, redis_url))
        await cached.parts.circuit.warm()
        uncached = await stack.enter_async_context(open_site(postgres_url))
        ada = await present(cached.parts.database)
        async with Redis.from_url(redis_url) as redis:
            await redis.set(SEEN, "x" * 400, ex=600)
        clients = {
            "bare endpoint, one Redis GET": await stack.enter_async_context(served(bare(redis_url))),
            "GET /v1/me, cached": await stack.enter_async_context(served(cached.app)),
            "GET /v1/me, from Postgres": await stack.enter_async_context(served(uncached.app)),
        }
        spent: dict[str, list[float]] = {name: [] for name in clients}
        paces: dict[str, list[float]] = {name: [] for name in clients}
        for turn in range(TURNS + 2):
            for name, client in clients.items():
                began = time.perf_counter()
                each = await _burst(client, ada.bearer)
                if turn >= 2:
                    spent[name] += each
                    paces[name].append(BURST / (time.perf_counter() - began))
    _tell(f"\n{TURNS} turns of {BURST} requests, {TOGETHER} at once, on {redis_url}")
    base = statistics.median(paces["bare endpoint, one Redis GET"])
    for name, seconds in spent.items():
        cuts = statistics.quantiles(seconds, n=100)
        pace = statistics.median(paces[name])
        _tell(
            f"  {name:30} p50 {cuts[49] * 1000:6.2f} ms   p99 {cuts[98] * 1000:6.2f} ms"
            f"   {pace:6.0f}/s   {pace / base:.2f} of bare"
        )


async def _burst(client: httpx.AsyncClient, headers: dict[str, str]) -> list[float]:
    left = iter(range(BURST))
    seconds = []

    async def worker() -> None:
        for _ in left:
            began = time.perf_counter()
            answer = await client.get("/v1/me", headers=headers)
            seconds.append(time.perf_counter() - began)
            assert answer.status_code == httpx.codes.OK, answer.text

    await asyncio.gather(*(worker() for _ in range(TOGETHER)))
    return seconds


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
