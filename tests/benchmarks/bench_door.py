"""What a challenge and its answer cost beside the least that could be kept: one INSERT and its commit."""

import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from contracts.envelope import unseal
from devstack.ports import free_port
from devstack.program import Program
from tests.benchmarks import bare_app
from tests.benchmarks.stopwatch import Stopwatch, in_words
from tests.integration.auth_service.api.site import open_site
from tests.integration.auth_service.door import BINDING, Letter, StatementLog
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import Service
from tests.support import blocking
from tests.support.commands import BARE
from tests.support.running import running

ROUNDS = 10
CALLS = 50
WARM = 50


@pytest.fixture
def bare_url(service: Service, tmp_path: Path) -> Iterator[str]:
    """Run the bare application beside the service, on the same Postgres."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = Program(
        name="bare",
        command=(sys.executable, "-m", bare_app.__name__),
        folder=tmp_path,
        environment=BARE | dict(service.settings) | {"AUTH_PORT": str(port)},
    )

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    with running(program, ready=ready, log=tmp_path / "bare.log"):
        yield url


@pytest.mark.timeout(600)
def test_a_challenge_and_its_answer_beside_one_insert(service: Service, bare_url: str) -> None:
    people, answers = blocking.run(_prepare(service))
    asked = iter([{"email": each.email, "transport": "bearer"} for each in people])
    ready = iter(answers)
    with Stopwatch(bare_url) as there, Stopwatch(service.url) as door:

        def insert() -> float:
            return there.post("/bare", {"email": "ada@example.org", "transport": "bearer"}, status=202)

        def start() -> float:
            return door.post("/v1/login/challenges", next(asked), status=202)

        def answer() -> float:
            path, code = next(ready)
            return door.post(path, {"code": code}, status=200, headers={"Porter-Binding": BINDING})

        calls = {"bare INSERT and commit": insert, "challenge": start, "verify": answer}
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(WARM + ROUNDS * CALLS):
            for name, call in calls.items():
                taken[name].append(call())
    rounds = {name: _rounds(times[WARM:]) for name, times in taken.items()}
    _tell(f"\n{ROUNDS} rounds of {CALLS} calls in turn, one connection each, one Postgres")
    for name, times in taken.items():
        beside = _ratio(rounds[name], rounds["bare INSERT and commit"])
        _tell(f"  {name:24} {in_words(times[WARM:])}   {beside}")


async def test_statements_a_call(postgres_url: str) -> None:
    counted: dict[str, int] = {}
    async with open_site(postgres_url) as site, site.client() as client:
        await site.door.admin()
        signed = await site.sign_in_program(client, "root@example.org")
        with StatementLog(site.parts.database) as log:
            asking = {"email": "root@example.org", "transport": "bearer"}
            asked = (await client.post("/v1/login/challenges", json=asking)).json()
            counted["challenge"] = len(log.statements)
        code = await site.door.mailed_code_of(asked["challenge_id"])
        path = f"/v1/login/challenges/{asked['challenge_id']}/verify"
        with StatementLog(site.parts.database) as log:
            headers = {"Porter-Binding": asked["binding"]}
            answer = await client.post(path, json={"code": code}, headers=headers)
            counted["verify"] = len(log.statements)
        assert answer.status_code == 200
        for name in ("/v1/admin/users", "/v1/me", "/v1/sessions", "/v1/sessions/verify"):
            with StatementLog(site.parts.database) as log:
                assert (await client.get(name, headers=signed)).is_success
                counted[f"GET {name}"] = len(log.statements)
    _tell("\nstatements a call: " + ", ".join(f"{name} {count}" for name, count in counted.items()))
    assert counted["challenge"] <= 4
    assert counted["GET /v1/admin/users"] <= 2


async def _prepare(service: Service) -> tuple[list[Person], list[tuple[str, str]]]:
    """Settle people, and for as many others have open challenges with their codes."""
    count = WARM + ROUNDS * CALLS
    async with service.postgres() as connection, service.door() as door:
        people, others = await settle(connection, count), await settle(connection, count)
        opened = [(await door.ask(each.email)).id for each in others]
        codes = {}
        for event in await door.events():
            challenge_id = getattr(event.data, "challenge_id", None)
            if challenge_id is not None:
                letter = Letter(event, unseal(event, event.contents, sealer=door.sealer))
                codes[challenge_id] = letter.code or ""
    return people, [(f"/v1/login/challenges/{each}/verify", codes[each]) for each in opened]


def _rounds(times: Sequence[float]) -> list[Sequence[float]]:
    return [times[at : at + CALLS] for at in range(0, len(times), CALLS)]


def _ratio(rounds: Sequence[Sequence[float]], bare: Sequence[Sequence[float]]) -> str:
    """Compare the medians of each round with those of the bare round beside it."""
    each = [statistics.median(a) / statistics.median(b) for a, b in zip(rounds, bare, strict=True)]
    return f"{statistics.median(each):.2f} times ({min(each):.2f} to {max(each):.2f})"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
