"""What chaos needs: servers of its own, a fleet of mailers, and a line for each run in the summary."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.fixtures import fleet, redis_server, smtp
from tests.chaos.fleet import Fleet
from tests.chaos.form import FORM

__all__ = ["fleet", "redis_server", "smtp"]

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
    """Write a line, where output is not captured, and keep it for the summary."""
    lines = request.config.stash.setdefault(LINES, [])

    def told(line: str) -> None:
        sys.stdout.write(f"\n{line}\n")
        lines.append(line)

    return told
