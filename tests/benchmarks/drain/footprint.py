"""From the start of each service to its being ready, and the memory it holds: idle, and under load."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Final

import httpx

from tests.benchmarks.drain.counting_sink import counting_sink
from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.systems import PORTER, System
from tests.benchmarks.drain.worker import Worker, working
from tests.benchmarks.stopwatch import Stopwatch
from tests.integration.auth_service.process import environment
from tests.integration.auth_service.service.people import settle
from tests.support.waiting import until

AUTH: Final = System("auth_service", ("-m", "auth_service.cli", "serve"))
MAILER: Final = replace(PORTER, name="mailer_service")
READY_WITHIN_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.01
PEOPLE: Final = 200
"""Who ask for codes, again and again."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """One service in one life."""

    service: str
    ready_seconds: float
    idle_bytes: int
    loaded_bytes: int
    """When as many codes were asked for and mailed as `codes` says."""
    codes: int


async def footprints(stage: Stage, *, codes: int) -> list[Footprint]:
    """Start both services, let people ask for codes as fast as one connection does, and let all be mailed."""
    await stage.clear()
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(counting_sink(stage.folder))
        settings = environment(stage.database_url, stage.redis.url, SEALING_KEYS=stage.key)
        mailer_settings = stage.environment(smtp_port=sink.port)
        workers, ready = {}, {}
        for system, told in ((AUTH, settings), (MAILER, mailer_settings)):
            began = time.monotonic()
            worker = await stack.enter_async_context(working(system, environment=told, folder=stage.folder))
            await _ready(worker, settings["PUBLIC_URL"])
            workers[system], ready[system] = worker, time.monotonic() - began
        idle = {system: worker.resident_bytes() for system, worker in workers.items()}
        await _ask_for_codes(stage, settings["PUBLIC_URL"], codes)
        await until(lambda: sink.count() >= codes, within=READY_WITHIN_SECONDS)
        return [
            Footprint(system.name, ready[system], idle[system], worker.resident_bytes(), codes)
            for system, worker in workers.items()
        ]


async def _ready(worker: Worker, url: str) -> None:
    """Wait until a service is ready: the one says so when it is asked, the other in its log."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def says_so() -> bool:
            worker.must_live()
            if worker.system is MAILER:
                return b'"mailer_started"' in worker.log.read_bytes()
            try:
                answer = await client.get(f"{url}/readyz")
            except httpx.TransportError:
                return False
            return answer.is_success and bool(answer.json()["status"] == "ready")

        await until(says_so, within=READY_WITHIN_SECONDS, every=LOOK_SECONDS)


async def _ask_for_codes(stage: Stage, url: str, codes: int) -> None:
    async with stage.connection() as connection:
        people = await settle(connection, PEOPLE)
    with Stopwatch(url) as stopwatch:
        for number in range(codes):
            body = {"email": people[number % PEOPLE].email, "transport": "bearer"}
            stopwatch.post("/v1/login/challenges", body, status=httpx.codes.ACCEPTED)
