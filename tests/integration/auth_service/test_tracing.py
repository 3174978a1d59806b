"""A collector that is away or silent delays no request, and no end of the service."""

import asyncio
import json
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

import httpx

from devstack.ports import free_port
from tests.integration.auth_service.process import environment, running
from tests.support.silent_server import silent_server
from tests.support.waiting import until

WITHIN = 20.0
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
REQUESTS = 30


async def _ask_often(settings: dict[str, str]) -> list[int]:
    """Ask for codes, once the service is there; gives how it answered."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{settings['AUTH_PORT']}", trust_env=False, timeout=5
    ) as client:

        async def ready() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get("/readyz")).status_code == httpx.codes.OK
            return False

        await until(ready, within=WITHIN)
        body = {"email": "ada@example.org", "transport": "bearer"}
        answers = [await client.post("/v1/login/challenges", json=body) for _ in range(REQUESTS)]
        return [answer.status_code for answer in answers]


async def _stop(process: Process) -> list[dict[str, str]]:
    """Ask it to end and give its log lines."""
    process.send_signal(signal.SIGTERM)
    output, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert (process.returncode, errors.decode()) == (0, "")
    return [json.loads(line) for line in output.splitlines()]


async def test_without_its_collector_the_service_answers_complains_once_and_ends(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    settings = environment(postgres_url, redis_url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **SOON)
    async with running("serve", folder=tmp_path, settings=settings) as process:
        assert await _ask_often(settings) == [202] * REQUESTS
        lines = await _stop(process)
    (impaired,) = (line for line in lines if line["event"] == "tracing_impaired")
    assert impaired["level"] == "warning"
    assert impaired["reason"]


async def test_a_collector_that_never_answers_delays_nobody(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    async with silent_server() as silent:
        endpoint = silent.url.replace("redis://", "http://").removesuffix("/0")
        queue = {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5"}
        settings = environment(postgres_url, redis_url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **SOON, **queue)
        async with running("serve", folder=tmp_path, settings=settings) as process:
            assert await _ask_often(settings) == [202] * REQUESTS
            await until(lambda: silent.connections, within=WITHIN)
            lines = await _stop(process)
    events = [line["event"] for line in lines]
    assert events.count("tracing_impaired") == 1  # the queue was full, and spans were let go
    assert events[-1] == "spans_lost"


async def test_an_endpoint_that_is_none_stops_the_start_with_one_line(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    settings = environment(postgres_url, redis_url, OTEL_EXPORTER_OTLP_ENDPOINT="collector:4317")
    async with running("serve", folder=tmp_path, settings=settings) as process:
        _, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert process.returncode == 2
    (line,) = errors.decode().splitlines()
    assert line.startswith("OTEL_EXPORTER_OTLP_ENDPOINT: ")
    assert "collector:4317" not in line


async def test_a_protocol_that_is_not_spoken_stops_the_start_with_one_line(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    settings = environment(postgres_url, redis_url, **tracing)
    async with running("serve", folder=tmp_path, settings=settings) as process:
        _, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert process.returncode == 2
    (line,) = errors.decode().splitlines()
    assert line.startswith("OTEL_EXPORTER_OTLP_PROTOCOL: ")
