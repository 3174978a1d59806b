"""What chaos needs: servers of its own, a fleet of mailers, and a line for each run in the summary."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from devstack.servers.origin import Origin
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM
from tests.chaos.servers import Server, own_redis
from tests.support.fault_smtp import FaultSmtp
from tests.support.redis import ORIGINS

HERE = Path(__file__).parent
LINES = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here: what it is, and how long it may take."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.chaos)
            item.add_marker(pytest.mark.timeout(FORM.timeout))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of each mailer's log beside a failure."""
    report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy's wrappers receive what they wrap
    fleet = getattr(item, "funcargs", {}).get("fleet")
    if report.when == "call" and report.failed and isinstance(fleet, Fleet):
        for replica in fleet.replicas:
            report.sections.append((f"{replica.program.name}, {replica.starts} starts", replica.tail()))
    return report  # type: ignore[return-value]  # as above


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print a line for each run."""
    if lines := config.stash.get(LINES, []):
        terminalreporter.section(f"chaos, {FORM.name} form")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a line for the summary."""
    return request.config.stash.setdefault(LINES, []).append


@pytest_asyncio.fixture
async def redis_server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """Start a Redis of the test's own: Valkey's wheel, or what the test's parameter names."""
    origin: Origin = ORIGINS[getattr(request, "param", "valkey")]
    folder = tmp_path / "redis"
    folder.mkdir()
    server = own_redis(folder, origin=origin)
    await server.start()
    yield server
    await server.crash()


@pytest_asyncio.fixture
async def smtp() -> AsyncIterator[FaultSmtp]:
    """Lend an SMTP server that fails as the test plans."""
    async with FaultSmtp() as server:
        yield server


@pytest_asyncio.fixture
async def fleet(
    tmp_path: Path, postgres_url: str, redis_server: Server, smtp: FaultSmtp
) -> AsyncIterator[Fleet]:
    """Lend a fleet without any mailer yet; whatever is left of it is killed afterwards."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    client: Redis = Redis.from_url(redis_server.url, decode_responses=True)
    lent = Fleet(
        folder=folder, database_url=postgres_url, redis_url=redis_server.url, redis=client, smtp=smtp
    )
    try:
        yield lent
    finally:
        await lent.end()
        await client.aclose()
