"""`auth-service serve` and `relay` as processes: they answer, relay, stop cleanly, and may be killed."""

import asyncio
import json
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from contracts.streams import LOGIN
from tests.integration.auth_service.process import environment, running
from tests.support.waiting import until

WITHIN = 20.0


async def _get(client: httpx.AsyncClient, path: str, *, telling: str = "") -> httpx.Response:
    """Ask until it answers with 200 and tells what is waited for."""
    answers: list[httpx.Response] = []

    async def answered() -> bool:
        with suppress(httpx.TransportError):
            answers.append(await client.get(path))
        return bool(answers) and answers[-1].status_code == httpx.codes.OK and telling in answers[-1].text

    await until(answered, within=WITHIN)
    return answers[-1]


def _clients(settings: dict[str, str]) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    public, internal = settings["AUTH_PORT"], settings["AUTH_INTERNAL_PORT"]
    return (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{public}", trust_env=False),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{internal}", trust_env=False),
    )


async def _entries(redis: Redis) -> list[dict[str, str]]:
    """Read the fields of all entries on the login stream."""
    found: Any = await redis.xrange(LOGIN.key)
    return [fields for _, fields in found]


async def _ids(redis: Redis) -> list[str]:
    return [fields["id"] for fields in await _entries(redis)]


async def _stop(process: Process) -> list[dict[str, object]]:
    """Ask it to end and give its log lines."""
    process.send_signal(signal.SIGTERM)
    output, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert (process.returncode, errors.decode()) == (0, "")
    return [json.loads(line) for line in output.splitlines()]


async def test_a_service_answers_relays_tells_and_ends_cleanly(
    tmp_path: Path, postgres_url: str, redis_url: str, redis_client: Redis
) -> None:
    settings = environment(postgres_url, redis_url)
    public, internal = _clients(settings)
    async with public, internal, running("serve", folder=tmp_path, settings=settings) as process:
        await _get(public, "/readyz")
        body = {"email": "ada@example.org", "name": "Ada", "transport": "bearer"}
        asked = await public.post("/v1/registrations", json=body)
        assert asked.status_code == 202
        assert "server" not in asked.headers
        published = 'auth_events_published_total{type="porter.auth.otp_requested.v1"} 1.0'
        metrics = (await _get(internal, "/metrics", telling=published)).text
        ready = await internal.get("/readyz")
        assert ready.json() == {"status": "ready", "postgres": "up", "redis": "up"}
        assert (await public.get("/metrics")).status_code == 404
        lines = await _stop(process)
    assert 'auth_http_request_duration_seconds_count{method="POST",route="/v1/registrations"' in metrics
    events = [line["event"] for line in lines]
    assert events[:2] == ["cookies_insecure", "auth_service_started"]
    assert "ada@" not in json.dumps(lines)
    (entry,) = await _entries(redis_client)
    assert "ada@" not in json.dumps(entry)
    assert entry["traceparent"].split("-")[1] == asked.headers["porter-trace-id"]


async def test_a_service_without_a_relay_leaves_events_to_one_that_runs_alone(
    tmp_path: Path, postgres_url: str, redis_url: str, redis_client: Redis
) -> None:
    settings = environment(postgres_url, redis_url, AUTH_RELAY="off")
    public, internal = _clients(settings)
    async with public, internal, running("serve", folder=tmp_path, settings=settings) as service:
        await _get(public, "/readyz")
        body = {"email": "ada@example.org", "transport": "bearer"}
        assert (await public.post("/v1/login/challenges", json=body)).status_code == 202
        told = (await _get(internal, "/metrics")).text
        assert "auth_outbox_unpublished 1.0" in told
        assert 'auth_redis_up{use="streams"}' not in told  # it does not write them, so it does not know
        await _stop(service)
    assert await _ids(redis_client) == []
    _, internal = _clients(settings)
    async with internal, running("relay", folder=tmp_path, settings=settings) as relay:
        await until(lambda: _ids(redis_client), within=WITHIN)
        assert "auth_outbox_unpublished" in (await _get(internal, "/metrics")).text
        lines = await _stop(relay)
    assert lines[0]["event"] == "relay_started"


async def test_a_relay_killed_before_it_commits_repeats_the_event_with_its_id(
    tmp_path: Path, postgres_url: str, redis_url: str, redis_client: Redis
) -> None:
    settings = environment(postgres_url, redis_url)
    operator = await asyncpg.connect(postgres_url)
    public, _ = _clients(settings)
    async with (
        public,
        running("serve", folder=tmp_path, settings=settings | {"AUTH_RELAY": "off"}) as service,
    ):
        await _get(public, "/readyz")
        body = {"email": "ada@example.org", "transport": "bearer"}
        assert (await public.post("/v1/login/challenges", json=body)).status_code == 202
        await _stop(service)
    transaction = operator.transaction()
    await transaction.start()
    # A relay may still lock rows, and write to Redis, but not note in the table that it did.
    await operator.execute("LOCK TABLE auth.outbox IN SHARE MODE")
    async with running("relay", folder=tmp_path, settings=settings) as doomed:
        (event_id,) = await until(lambda: _ids(redis_client), within=WITHIN)
        doomed.kill()
        await doomed.wait()
    await transaction.rollback()
    async with running("relay", folder=tmp_path, settings=settings) as relay:

        async def settled() -> bool:
            left = await operator.fetchval("SELECT count(*) FROM auth.outbox WHERE published_at IS NULL")
            return bool(left == 0)

        await until(settled, within=WITHIN)
        await _stop(relay)
    await operator.close()
    assert await _ids(redis_client) == [event_id, event_id]
    first, second = await _entries(redis_client)
    assert first == second


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_either_signal_ends_it_cleanly_without_any_server_there(
    tmp_path: Path, number: signal.Signals
) -> None:
    settings = environment("postgresql://porter@127.0.0.1:1/porter", "redis://127.0.0.1:1/0")
    public, _ = _clients(settings)
    async with public, running("serve", folder=tmp_path, settings=settings) as process:
        await _get(public, "/healthz")
        process.send_signal(number)
        output, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert (process.returncode, errors) == (0, b"")
    lost = [json.loads(line)["event"] for line in output.splitlines()]
    assert lost.count("redis_lost") == lost.count("postgres_lost") == 1
