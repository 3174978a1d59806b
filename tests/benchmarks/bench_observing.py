"""What observing costs: the same load with metrics and without, and with traces and without.

No setting turns the metrics off, so `unmetered` runs a service whose instruments do nothing. Traces go to a
receiver in this process; its time is not the service's. A second process like the first shows how far two
that are the same come apart. All take turns; fresh processes follow, since no two of them are equally fast.

Ratios are of the work done in the same time, by the service's own CPU time and by the clock: 1 costs nothing.
"""

import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from devstack.program import Program
from tests.benchmarks import unmetered
from tests.benchmarks.drains import drain
from tests.benchmarks.processor_time import cpu_seconds
from tests.benchmarks.stopwatch import Stopwatch
from tests.chaos.fleet import RUN, Fleet
from tests.integration.auth_service.process import AUTH, environment
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import Service
from tests.support import blocking
from tests.support.commands import BARE
from tests.support.postgres import Databases
from tests.support.running import running
from tests.support.trace_receiver import trace_receiver

pytestmark = pytest.mark.timeout(900)

PROCESSES = 3
ROUNDS = 6
CALLS = 40
SCRAPES = 30
SCRAPED_EVERY_SECONDS = 15
MAILS = 1000
DRAINS = 4

SHIPPED, AGAIN, UNMETERED, TRACED = "as shipped", "as shipped, again", "without metrics", "with traces"
PAIRS = {
    "metrics": (SHIPPED, UNMETERED),
    "traces": (TRACED, SHIPPED),
    "nothing (as shipped, twice)": (AGAIN, SHIPPED),
}
WITHOUT = ("-m", unmetered.__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a round cost, in seconds for each request or mail."""

    cpu: float
    elapsed: float


Costs = dict[str, list[Cost]]


@dataclass(frozen=True)
class Observed:
    """A running service, its process, people to sign in, and one who is."""

    service: Service
    pid: int
    people: Iterator[Person]
    present: Person

    def me(self, door: Stopwatch) -> float:
        """Ask who is signed in."""
        return door.get("/v1/me", headers=self.present.headers)

    def challenge(self, door: Stopwatch) -> float:
        """Ask for a code."""
        body = {"email": next(self.people).email, "transport": "bearer"}
        return door.post("/v1/login/challenges", body, status=202)


CALLED: Mapping[str, Callable[[Observed, Stopwatch], float]] = {
    "GET /v1/me, warm": Observed.me,
    "POST /v1/login/challenges": Observed.challenge,
}


def test_the_auth_service(
    databases: Databases, migrated_template: str, redis_servers: Callable[[str], str], tmp_path: Path
) -> None:
    costs: dict[str, Costs] = {title: {} for title in CALLED}
    scrapes: list[float] = []
    for number in range(PROCESSES):
        with ExitStack() as stack:
            receiver = stack.enter_context(trace_receiver())
            observed = {}
            for place, name in enumerate((SHIPPED, AGAIN, UNMETERED, TRACED)):
                folder = tmp_path / f"{number}-{place}"
                folder.mkdir()
                postgres_url = stack.enter_context(databases.fresh(template=migrated_template))
                redis_url = f"{redis_servers('valkey').rpartition('/')[0]}/{place}"
                traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url} if name == TRACED else {}
                settings = environment(postgres_url, redis_url, **traces)
                observed[name] = stack.enter_context(_serving(name, settings, folder))
            for title, call in CALLED.items():
                _take_turns(observed, call, costs[title])
            scrapes += [_scrape(observed[SHIPPED]) for _ in range(SCRAPES)]
            assert _samples(observed[SHIPPED]) > _samples(observed[UNMETERED])
        assert receiver.bodies, "nobody was told of any span"
    _tell(f"\n{PROCESSES} times {ROUNDS} rounds of {CALLS} requests of each, one at a time, {_load()}")
    for title, found in costs.items():
        _tell_costs(title, found)
    scrape = statistics.median(scrapes)
    _tell(
        f"  a look at /metrics: {1000 * scrape:.1f} ms of CPU, "
        f"{scrape / SCRAPED_EVERY_SECONDS:.3%} of a processor at one in {SCRAPED_EVERY_SECONDS} s"
    )


async def test_the_mailer(fleet: Fleet, tmp_path: Path) -> None:
    costs: Costs = {}
    with trace_receiver() as receiver:
        traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        for number in range(DRAINS):
            kinds = [SHIPPED, AGAIN, UNMETERED, TRACED]
            for place, kind in enumerate(kinds if number % 2 else reversed(kinds)):
                done = await drain(
                    fleet,
                    tmp_path,
                    name=f"{number}-{place}",
                    mailers=1,
                    count=MAILS,
                    smtp_seconds=0,
                    command=(*WITHOUT, *RUN[1:]) if kind == UNMETERED else RUN,
                    environment=traces if kind == TRACED else {},
                )
                costs.setdefault(kind, []).append(Cost(done.cpu_seconds / MAILS, 1 / done.per_second))
    assert receiver.bodies, "nobody was told of any span"
    _tell(f"\n{DRAINS} backlogs of {MAILS} codes for each, one mailer, {_load()}")
    _tell_costs("a mail", costs)


@contextmanager
def _serving(name: str, settings: Mapping[str, str], folder: Path) -> Iterator[Observed]:
    """Run a service, with people of its own."""
    service = Service(settings, folder / "service.log")
    module = (*WITHOUT, AUTH) if name == UNMETERED else ("-m", AUTH)
    program = Program(
        name=name,
        command=(sys.executable, *module, "serve"),
        folder=folder,
        environment=BARE | dict(settings),
    )

    async def people() -> list[Person]:
        async with service.postgres() as connection:
            return await settle(connection, CALLS * (ROUNDS + 1) + 1)

    with running(program, ready=service.ready, log=service.log) as process:
        present, *others = blocking.run(people())
        yield Observed(service, process.pid, iter(others), present)


def _take_turns(
    observed: Mapping[str, Observed], call: Callable[[Observed, Stopwatch], float], costs: Costs
) -> None:
    """Time a round of each after the other, again and again; the first warms and does not count."""
    order = list(observed)
    for number in range(ROUNDS + 1):
        for name in order:
            each = observed[name]
            with Stopwatch(each.service.url) as door:  # anew: an idle connection ends after 5 s
                spent = cpu_seconds(each.pid)
                elapsed = [call(each, door) for _ in range(CALLS)]
                cpu = cpu_seconds(each.pid) - spent
            if number:
                costs.setdefault(name, []).append(Cost(cpu / CALLS, statistics.median(elapsed)))
        order = [*order[1:], order[0]]


def _scrape(observed: Observed) -> float:
    """Ask for its metrics; gives the CPU time that it took the service."""
    spent = cpu_seconds(observed.pid)
    assert _samples(observed)
    return cpu_seconds(observed.pid) - spent


def _samples(observed: Observed) -> int:
    """Count what its metrics say of requests."""
    port = observed.service.settings["AUTH_INTERNAL_PORT"]
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return page.count("auth_http_request_duration_seconds")


def _tell_costs(title: str, costs: Costs) -> None:
    _tell(f"  {title}")
    for name, each in costs.items():
        cpu, elapsed = [cost.cpu for cost in each], [cost.elapsed for cost in each]
        _tell(
            f"    {name:28} {1e6 * statistics.median(cpu):6.0f} us of CPU"
            f"   {1e6 * statistics.median(elapsed):6.0f} us by the clock"
        )
    for name, (with_it, without) in PAIRS.items():
        pairs = list(zip(costs[without], costs[with_it], strict=True))
        by_cpu = [a.cpu / b.cpu for a, b in pairs]
        by_clock = [a.elapsed / b.elapsed for a, b in pairs]
        _tell(f"    ratio for {name:28} {_spread(by_cpu)} by CPU   {_spread(by_clock)} by the clock")


def _spread(ratios: Sequence[float]) -> str:
    """Sum ratios up by their median and the middle half."""
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.2f} to {high:.2f})"


def _load() -> str:
    load, _, _ = os.getloadavg()
    return f"load average {load:.1f} on {os.cpu_count()} processors"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
